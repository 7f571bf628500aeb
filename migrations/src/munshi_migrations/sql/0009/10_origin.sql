-- How a live entry came in: what is kept of it when it is taken back, so that it can come back whole.
-- -> {"source", "metadata", "of": the message whose file it came of, or null}; null where there is no such entry
CREATE FUNCTION read_origin(p_tenant text, p_user bigint, p_ref text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    RETURN (
        SELECT jsonb_build_object('source', t.source, 'metadata', t.metadata, 'of', (
            SELECT a.message_id FROM attachments a
            WHERE a.tenant = t.tenant AND a.message_id IN (
                SELECT t.message_id
                UNION
                SELECT link.message_id FROM transaction_messages link
                WHERE link.tenant = t.tenant AND link.transaction_id = t.id)
            ORDER BY a.created_at, a.message_id LIMIT 1))
        FROM transactions t WHERE t.tenant = p_tenant AND t.ref = p_ref AND t.user_id = p_user);
END
$$;

REVOKE EXECUTE ON FUNCTION read_origin FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read_origin TO munshi_services;
