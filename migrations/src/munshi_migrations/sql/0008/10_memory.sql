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

-- Keeps a fact of a person under its key. e: {"key", "value", "embedding": [..] or null, "model"}
CREATE OR REPLACE FUNCTION remember(p_tenant text, p_user bigint, e jsonb) RETURNS void
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

REVOKE EXECUTE ON FUNCTION read_like FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read_like TO munshi_services;
