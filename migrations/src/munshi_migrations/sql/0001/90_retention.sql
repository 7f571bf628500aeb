-- Retention of messages, in bounded batches; called again until it returns 0. Runs as the owner, since the
-- services may not delete what they keep; so it checks for itself whose the tenant is.

-- Content goes at `p_before`; marks and outbox rows stay until `p_marks_before` at the earliest, so that a
-- late retry of Meta (7 days) is still a duplicate and a late status still finds its row.
-- -> {"bodies", "marks", "outbox", "dead_letters", "attempts"}: rows dealt with, each at most p_limit
CREATE FUNCTION purge_messages(p_tenant text, p_before timestamptz, p_marks_before timestamptz, p_limit integer)
    RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_marks_before timestamptz := least(p_before, p_marks_before);
    v_bodies integer;
    v_marks integer;
    v_outbox integer;
    v_letters integer;
    v_attempts integer;
    v_n integer;
BEGIN
    PERFORM FROM tenants t WHERE t.tenant = p_tenant AND t.role_name = session_user;
    IF NOT FOUND AND NOT pg_has_role(session_user, 'munshi_admin', 'MEMBER') THEN
        RAISE EXCEPTION 'tenant % is not of this role', p_tenant USING ERRCODE = 'MU403';
    END IF;

    DELETE FROM inbound_messages WHERE tenant = p_tenant AND message_id IN (
        SELECT m.message_id FROM inbound_messages m WHERE m.tenant = p_tenant AND m.turn_at < v_marks_before
        ORDER BY m.turn_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_marks = ROW_COUNT;
    UPDATE inbound_messages SET body = NULL WHERE tenant = p_tenant AND message_id IN (
        SELECT m.message_id FROM inbound_messages m
        WHERE m.tenant = p_tenant AND m.turn_at < p_before AND m.body IS NOT NULL
        ORDER BY m.turn_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_bodies = ROW_COUNT;

    DELETE FROM outbox WHERE tenant = p_tenant AND id IN (
        SELECT o.id FROM outbox o WHERE o.tenant = p_tenant AND o.created_at < v_marks_before
          AND o.state IN ('sent', 'delivered', 'read', 'failed', 'dead')
        ORDER BY o.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_outbox = ROW_COUNT;
    UPDATE outbox SET body = NULL WHERE tenant = p_tenant AND id IN (
        SELECT o.id FROM outbox o WHERE o.tenant = p_tenant AND o.created_at < p_before AND o.body IS NOT NULL
          AND o.state IN ('sent', 'delivered', 'read', 'failed', 'dead')
        ORDER BY o.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_n = ROW_COUNT;
    v_bodies := v_bodies + v_n;

    DELETE FROM dead_letters WHERE tenant = p_tenant AND id IN (
        SELECT d.id FROM dead_letters d WHERE d.tenant = p_tenant AND d.created_at < p_before
        ORDER BY d.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_letters = ROW_COUNT;
    DELETE FROM turn_attempts WHERE tenant = p_tenant AND message_id IN (
        SELECT a.message_id FROM turn_attempts a WHERE a.tenant = p_tenant AND a.updated_at < p_marks_before
        ORDER BY a.updated_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_attempts = ROW_COUNT;
    RETURN jsonb_build_object('bodies', v_bodies, 'marks', v_marks, 'outbox', v_outbox, 'dead_letters', v_letters,
                              'attempts', v_attempts);
END
$$;

-- Deletes everything of a tenant, in one transaction: deletionPolicy Delete, by the operator's hand.
CREATE FUNCTION purge_tenant(p_tenant text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
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
