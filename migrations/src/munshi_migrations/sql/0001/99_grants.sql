-- Functions are for the services, but for those that only their callers or the platform's hand may use.
DO $$
DECLARE
    f regprocedure;
BEGIN
    -- our own only: those of the extension stay as they are
    FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
               AND p.proowner = 'munshi_owner'::regrole LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO munshi_services', f);
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION merge_users, merge_conversations, replay_dead_letter, purge_tenant FROM munshi_services;
GRANT EXECUTE ON FUNCTION replay_dead_letter, purge_tenant, purge_messages, resume_numbers TO munshi_admin;
