-- What was asked of language models, and what it cost. No word of a prompt or an answer stands here.

CREATE TABLE model_calls (
    tenant text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    month date NOT NULL,
    purpose text NOT NULL,
    model text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('begun', 'done', 'failed')),
    estimate numeric(14, 6) NOT NULL,
    prompt_tokens integer NOT NULL DEFAULT 0,
    completion_tokens integer NOT NULL DEFAULT 0,
    dollars numeric(14, 6) NOT NULL DEFAULT 0,
    ended_at timestamptz,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX model_calls_age ON model_calls (tenant, at);
COMMENT ON TABLE model_calls IS 'Tries of language models, each with its tokens and its price.';
COMMENT ON COLUMN model_calls.model IS 'The platform''s name of it.';
COMMENT ON COLUMN model_calls.outcome IS 'begun: under way, or its worker died; its estimate then counts as spent.';

-- One row a tenant and month: the place where calls side by side meet, so that a budget holds.
CREATE TABLE model_spend (
    tenant text NOT NULL,
    month date NOT NULL,
    dollars numeric(14, 6) NOT NULL DEFAULT 0,
    set_aside numeric(14, 6) NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, month)
);
COMMENT ON TABLE model_spend IS 'US dollars spent on language models in a month of UTC, and set aside for calls under way.';

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['model_calls', 'model_spend'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
        EXECUTE format(
            'CREATE POLICY own ON %I TO munshi_services USING (tenant = ('
            'SELECT t.tenant FROM tenants t WHERE t.tenant = current_setting(''munshi.tenant'', true)))', t);
        EXECUTE format('CREATE POLICY platform ON %I TO munshi_owner, munshi_admin USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO munshi_services', t);
        EXECUTE format('GRANT SELECT ON %I TO munshi_admin', t);
    END LOOP;
END
$$;

CREATE TRIGGER purge_model_calls AFTER DELETE ON tenants FOR EACH ROW
    EXECUTE FUNCTION purge_with_tenant('model_calls', 'model_spend');

-- -> the call's id; NULL where the estimate does not fit into what is left of the budget
CREATE FUNCTION begin_model_call(p_tenant text, p_purpose text, p_model text, p_estimate numeric, p_budget numeric)
    RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_month date := date_trunc('month', now() AT TIME ZONE 'UTC');
    v_id bigint;
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    INSERT INTO model_spend (tenant, month) VALUES (p_tenant, v_month) ON CONFLICT DO NOTHING;
    UPDATE model_spend SET set_aside = set_aside + p_estimate
        WHERE tenant = p_tenant AND month = v_month
          AND (p_budget IS NULL OR dollars + set_aside + p_estimate <= p_budget);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO model_calls (tenant, month, purpose, model, outcome, estimate)
        VALUES (p_tenant, v_month, p_purpose, p_model, 'begun', p_estimate) RETURNING id INTO v_id;
    RETURN v_id;
END
$$;

-- What a call came to, in place of its estimate. A second time changes nothing.
-- -> whether it was under way
CREATE FUNCTION end_model_call(p_tenant text, p_id bigint, p_prompt integer, p_completion integer, p_dollars numeric,
                               p_outcome text) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_call model_calls;
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    UPDATE model_calls SET outcome = p_outcome, prompt_tokens = p_prompt, completion_tokens = p_completion,
                           dollars = p_dollars, ended_at = now()
        WHERE tenant = p_tenant AND id = p_id AND outcome = 'begun' RETURNING * INTO v_call;
    IF FOUND THEN
        UPDATE model_spend SET dollars = dollars + p_dollars, set_aside = set_aside - v_call.estimate
            WHERE tenant = p_tenant AND month = v_call.month;
    END IF;
    RETURN FOUND;
END
$$;

-- -> what each model cost in a month: [{"model", "calls", "prompt_tokens", "completion_tokens", "dollars"}]
CREATE FUNCTION read_model_costs(p_tenant text, p_month date) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    RETURN (SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY c.model), '[]') FROM (
        SELECT model, count(*) AS calls, sum(prompt_tokens) AS prompt_tokens,
               sum(completion_tokens) AS completion_tokens, sum(dollars)::text AS dollars
        FROM model_calls WHERE tenant = p_tenant AND month = p_month GROUP BY model) c);
END
$$;

-- Calls older than `p_before` go; the sums of their months stay. Called again until it returns 0.
CREATE FUNCTION purge_model_calls(p_tenant text, p_before timestamptz, p_limit integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_done integer;
BEGIN
    PERFORM require_own_tenant(p_tenant);
    DELETE FROM model_calls WHERE tenant = p_tenant AND id IN (
        SELECT c.id FROM model_calls c WHERE c.tenant = p_tenant AND c.at < p_before
        ORDER BY c.at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_done = ROW_COUNT;
    RETURN v_done;
END
$$;

REVOKE EXECUTE ON FUNCTION begin_model_call, end_model_call, read_model_costs, purge_model_calls FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_model_call, end_model_call, read_model_costs, purge_model_calls TO munshi_services;
