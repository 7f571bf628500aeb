-- Facts that are found again by likeness. A vector is of length 1; `model` names its space: vectors of different
-- models are never compared.

ALTER TABLE memory ADD COLUMN model text;
COMMENT ON COLUMN memory.embedding IS 'Of what the fact is about; NULL where it is found by its key alone.';
COMMENT ON COLUMN memory.model IS 'Which model made the vector.';

-- An index needs a fixed length: one for each length that a supported model gives. Half precision: half the size,
-- and no difference in what is found.
DO $$
DECLARE
    n integer;
BEGIN
    FOREACH n IN ARRAY ARRAY[128, 384, 768, 1024, 1536] LOOP
        EXECUTE format(
            'CREATE INDEX memory_like_%s ON memory USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops)'
            ' WHERE vector_dims(embedding) = %s', n, n, n);
    END LOOP;
END
$$;

-- e: {"key", "value", "embedding": [..] or null, "model"}
CREATE FUNCTION remember(p_tenant text, p_user bigint, e jsonb) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO memory AS m (tenant, user_id, key, value, embedding, model)
        VALUES (p_tenant, p_user, e->>'key', e->'value', nullif(e->'embedding', 'null')::text::vector, e->>'model')
        ON CONFLICT (tenant, user_id, key)
        DO UPDATE SET value = excluded.value, embedding = excluded.embedding, model = excluded.model,
                      updated_at = clock_timestamp()
$$;

-- The facts most like a vector, the nearest first: of one person, or of all persons of the tenant (p_user NULL).
-- Of one person all are compared, which is exact and quick to some ten thousand; of a tenant the index is walked,
-- further where rows of others were met.
-- -> [{"key", "value", "likeness"}]: likeness is the cosine, at most 1
CREATE FUNCTION read_like(p_tenant text, p_user bigint, p_prefix text, p_model text, p_vector text, p_limit integer)
    RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_n integer := vector_dims(p_vector::vector);
    v_found jsonb;
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    IF p_user IS NOT NULL THEN
        WITH own AS MATERIALIZED (
            SELECT m.key, m.value, m.embedding FROM memory m
            WHERE m.tenant = p_tenant AND m.user_id = p_user AND starts_with(m.key, p_prefix)
              AND m.model = p_model AND m.embedding IS NOT NULL)
        SELECT jsonb_agg(to_jsonb(near)) INTO v_found FROM (
            SELECT own.key, own.value, 1 - (own.embedding OPERATOR(public.<=>) p_vector::vector) AS likeness
            FROM own ORDER BY 3 DESC LIMIT p_limit) near;
        RETURN coalesce(v_found, '[]');
    END IF;
    PERFORM set_config('hnsw.iterative_scan', 'strict_order', true);
    PERFORM set_config('hnsw.ef_search', greatest(200, least(1000, 4 * p_limit))::text, true);
    EXECUTE format(
        'SELECT jsonb_agg(to_jsonb(near)) FROM ('
        'SELECT m.key, m.value, 1 - (m.embedding::halfvec(%1$s) OPERATOR(public.<=>) $3::halfvec(%1$s)) AS likeness '
        'FROM memory m WHERE vector_dims(m.embedding) = %1$s AND m.tenant = $1 AND m.model = $2 '
        'AND starts_with(m.key, $5) '
        'ORDER BY m.embedding::halfvec(%1$s) OPERATOR(public.<=>) $3::halfvec(%1$s) LIMIT $4) near', v_n)
        INTO v_found USING p_tenant, p_model, p_vector, p_limit, p_prefix;
    RETURN coalesce(v_found, '[]');
END
$$;

-- All effects of a turn, in their order. The counters come last: they are the rows that turns share.
CREATE OR REPLACE FUNCTION apply_effects(p jsonb, p_zone text, p_user bigint, p_conversation bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_tenant text := p->>'tenant';
    e jsonb;
    v_added integer := 0;
    v_removed timestamptz[] := '{}';
    v_at timestamptz;
BEGIN
    FOR e IN SELECT * FROM jsonb_array_elements(p->'effects') LOOP
        CASE e->>'op'
            WHEN 'add_entry' THEN
                PERFORM book_entry(p, p_user, e);
                v_added := v_added + 1;
            WHEN 'amend_entry' THEN
                PERFORM book_entry(p, p_user, e);
            WHEN 'remove_entry' THEN
                v_removed := v_removed || remove_entry(v_tenant, p_user, e);
            WHEN 'learn_alias' THEN
                PERFORM learn_alias(v_tenant, p_user, e);
            WHEN 'remember' THEN
                PERFORM remember(v_tenant, p_user, e);
            WHEN 'keep_sample' THEN
                PERFORM keep_sample(v_tenant, e);
            WHEN 'keep_attachment' THEN
                PERFORM keep_attachment(v_tenant, e);
            ELSE
                RAISE EXCEPTION 'unknown effect %', e->>'op' USING ERRCODE = 'MU422';
        END CASE;
    END LOOP;
    FOREACH v_at IN ARRAY v_removed LOOP
        PERFORM count_usage(v_tenant, p_zone, p_conversation, v_at, -1);
    END LOOP;
    IF v_added > 0 THEN
        PERFORM count_usage(v_tenant, p_zone, p_conversation, now(), v_added);
    END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION remember, read_like FROM PUBLIC;
GRANT EXECUTE ON FUNCTION remember, read_like TO munshi_services;
