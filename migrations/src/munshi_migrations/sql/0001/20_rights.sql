-- Who sees which row. A cell's login role is a member of munshi_services; which tenants it may name is
-- decided by tenants.role_name against session_user, which neither SET ROLE nor a function changes. So a
-- stolen role sees its own tenants whatever it sets.
--
-- munshi_owner (nobody logs in as it: migrations and the few functions below that run as their owner) and
-- munshi_admin (operator and command line) see all rows by a policy of their own; no role bypasses security.

ALTER TABLE cells ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON cells TO munshi_services USING (role_name = session_user);
CREATE POLICY platform ON cells TO munshi_owner, munshi_admin USING (true) WITH CHECK (true);

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON tenants TO munshi_services USING (role_name = session_user);
CREATE POLICY platform ON tenants TO munshi_owner, munshi_admin USING (true) WITH CHECK (true);

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['workers', 'lanes'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
        -- the inner select is itself under the policy of cells
        EXECUTE format('CREATE POLICY own ON %I TO munshi_services USING (cell IN (SELECT c.cell FROM cells c))', t);
        EXECUTE format('CREATE POLICY platform ON %I TO munshi_owner, munshi_admin USING (true) WITH CHECK (true)', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['users', 'user_identities', 'conversations', 'inbound_messages', 'ledger_customers',
                             'transactions', 'transaction_history', 'memory', 'outbox', 'message_costs',
                             'numbers', 'dead_letters', 'usage', 'turn_attempts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
        -- evaluated once a statement; the inner select is under the policy of tenants
        EXECUTE format(
            'CREATE POLICY own ON %I TO munshi_services USING (tenant = ('
            'SELECT t.tenant FROM tenants t WHERE t.tenant = current_setting(''munshi.tenant'', true)))', t);
        EXECUTE format('CREATE POLICY platform ON %I TO munshi_owner, munshi_admin USING (true) WITH CHECK (true)', t);
    END LOOP;
END
$$;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO munshi_services, munshi_admin;

GRANT INSERT, UPDATE, DELETE ON workers TO munshi_services;
GRANT INSERT, UPDATE ON lanes, users, conversations, ledger_customers, memory, outbox, message_costs, numbers, usage
    TO munshi_services;
GRANT INSERT ON user_identities, inbound_messages, transaction_history, dead_letters TO munshi_services;
-- a letter that comes again is opened again; its payload stays
GRANT UPDATE (reason, detail, created_at, replayed_at, dropped_at) ON dead_letters TO munshi_services;
GRANT INSERT, UPDATE, DELETE ON transactions, turn_attempts TO munshi_services;

GRANT INSERT, UPDATE, DELETE ON cells, tenants TO munshi_admin;
GRANT UPDATE ON dead_letters, outbox, numbers TO munshi_admin;
GRANT DELETE ON turn_attempts TO munshi_admin;
