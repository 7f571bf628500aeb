-- What was said, masked, to train the understanding with. Nothing leads from a row to a person, a message or a
-- minute: no user, no message, and only the day.

CREATE TABLE training_samples (
    tenant text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    created_at timestamptz NOT NULL,
    text text NOT NULL,
    intent text NOT NULL,
    confidence numeric(4, 3) NOT NULL,
    category text,
    language text NOT NULL,
    script text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('kept', 'corrected', 'undone', 'dropped')),
    changed text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant, id)
);
CREATE INDEX training_samples_age ON training_samples (tenant, created_at);
COMMENT ON TABLE training_samples IS 'Masked sentences of tenants that consent (spec.ledger.keepTrainingMaterial).';
COMMENT ON COLUMN training_samples.created_at IS 'The day alone, so that no time leads to a message.';
COMMENT ON COLUMN training_samples.category IS 'As corrected by the person.';
COMMENT ON COLUMN training_samples.changed IS 'Fields of the entry that the person corrected.';

ALTER TABLE training_samples ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON training_samples TO munshi_services USING (tenant = (
    SELECT t.tenant FROM tenants t WHERE t.tenant = current_setting('munshi.tenant', true)));
CREATE POLICY platform ON training_samples TO munshi_owner, munshi_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON training_samples TO munshi_services;
GRANT SELECT, DELETE ON training_samples TO munshi_admin;

-- Consent is what the tenant's row says now, whatever the turn was told.
CREATE FUNCTION consents_to_training(p_tenant text) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((SELECT (t.books->>'keep_training_material')::boolean FROM tenants t
                     WHERE t.tenant = p_tenant), false)
$$;

-- Keeps one sample. A number in it means that it was not masked: it is not kept, and the turn goes on.
CREATE FUNCTION keep_sample(p_tenant text, e jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF consents_to_training(p_tenant) AND e->>'text' !~ '[[:digit:]@०-९]' THEN
        INSERT INTO training_samples (tenant, created_at, text, intent, confidence, category, language, script,
                                      outcome, changed)
            VALUES (p_tenant, date_trunc('day', now(), 'UTC'), e->>'text', e->>'intent',
                    (e->>'confidence')::numeric, e->>'category', e->'language'->>'tag', e->'language'->>'script',
                    e->>'outcome', ARRAY(SELECT jsonb_array_elements_text(e->'changed')));
    END IF;
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
                INSERT INTO memory AS m (tenant, user_id, key, value) VALUES (v_tenant, p_user, e->>'key', e->'value')
                    ON CONFLICT (tenant, user_id, key)
                    DO UPDATE SET value = excluded.value, embedding = NULL, updated_at = clock_timestamp();
            WHEN 'keep_sample' THEN
                PERFORM keep_sample(v_tenant, e);
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

-- Deletes samples of before a day, or all where the tenant does not consent (any more). Called again until it
-- returns 0. Runs as the owner, since the services may not delete what they keep; so it checks for itself.
CREATE FUNCTION purge_samples(p_tenant text, p_before timestamptz, p_limit integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_before timestamptz := CASE WHEN consents_to_training(p_tenant) THEN p_before ELSE 'infinity' END;
    v_n integer;
BEGIN
    PERFORM FROM tenants t WHERE t.tenant = p_tenant AND t.role_name = session_user;
    IF NOT FOUND AND NOT pg_has_role(session_user, 'munshi_admin', 'MEMBER') THEN
        RAISE EXCEPTION 'tenant % is not of this role', p_tenant USING ERRCODE = 'MU403';
    END IF;
    DELETE FROM training_samples WHERE tenant = p_tenant AND id IN (
        SELECT s.id FROM training_samples s WHERE s.tenant = p_tenant AND s.created_at < v_before
        ORDER BY s.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_n = ROW_COUNT;
    RETURN v_n;
END
$$;

-- Consent that is withdrawn takes what was kept with it, in the same transaction.
CREATE FUNCTION forget_samples() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM training_samples s WHERE s.tenant = old.tenant;
    RETURN NULL;
END
$$;
CREATE TRIGGER forget_samples AFTER UPDATE OF books ON tenants FOR EACH ROW
    WHEN ((old.books->'keep_training_material')::boolean AND NOT coalesce((new.books->'keep_training_material')::boolean, false))
    EXECUTE FUNCTION forget_samples();

-- Deletes everything of a tenant, in one transaction: deletionPolicy Delete, by the operator's hand.
CREATE OR REPLACE FUNCTION purge_tenant(p_tenant text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM training_samples WHERE tenant = p_tenant;
    DELETE FROM message_costs WHERE tenant = p_tenant;
    DELETE FROM outbox WHERE tenant = p_tenant;
    DELETE FROM inbound_messages WHERE tenant = p_tenant;
    DELETE FROM transaction_history WHERE tenant = p_tenant;
    DELETE FROM transactions WHERE tenant = p_tenant;
    DELETE FROM ledger_customers WHERE tenant = p_tenant;
    DELETE FROM memory WHERE tenant = p_tenant;
    DELETE FROM conversations WHERE tenant = p_tenant;
    DELETE FROM user_identities WHERE tenant = p_tenant;
    DELETE FROM users WHERE tenant = p_tenant;
    DELETE FROM numbers WHERE tenant = p_tenant;
    DELETE FROM dead_letters WHERE tenant = p_tenant;
    DELETE FROM usage WHERE tenant = p_tenant;
    DELETE FROM turn_attempts WHERE tenant = p_tenant;
    DELETE FROM tenants WHERE tenant = p_tenant;
END
$$;

REVOKE EXECUTE ON FUNCTION consents_to_training, keep_sample, purge_samples, forget_samples FROM PUBLIC;
GRANT EXECUTE ON FUNCTION consents_to_training, keep_sample, purge_samples TO munshi_services;
