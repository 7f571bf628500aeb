-- Which messages changed which entry, and which messages a reply answered: quoting the reply to a correction
-- or to a "yes" finds its entry. Expand only: what 0001 wrote stays readable, and a program of 0001 goes on.
-- Written so that it can run again: the version is stamped only after the filling in that follows.

CREATE TABLE IF NOT EXISTS transaction_messages (
    tenant text NOT NULL,
    message_id text NOT NULL,
    transaction_id bigint NOT NULL,
    PRIMARY KEY (tenant, message_id, transaction_id),
    FOREIGN KEY (tenant, transaction_id) REFERENCES transactions (tenant, id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS transaction_messages_transaction ON transaction_messages (tenant, transaction_id);
COMMENT ON TABLE transaction_messages IS 'Messages that changed an entry, beside the one that made it.';

ALTER TABLE transaction_messages ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own ON transaction_messages;
CREATE POLICY own ON transaction_messages TO munshi_services USING (tenant = (
    SELECT t.tenant FROM tenants t WHERE t.tenant = current_setting('munshi.tenant', true)));
DROP POLICY IF EXISTS platform ON transaction_messages;
CREATE POLICY platform ON transaction_messages TO munshi_owner, munshi_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON transaction_messages TO munshi_services;
GRANT SELECT ON transaction_messages TO munshi_admin;

-- a constant default: no rewrite of the table
ALTER TABLE outbox ADD COLUMN IF NOT EXISTS answers text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN outbox.answers IS 'Messages of the turn that this row answers; reply_to is the one it quotes.';
