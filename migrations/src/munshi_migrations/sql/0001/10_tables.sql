-- The first schema. Every table of a tenant begins with the tenant, and so do its keys and indexes;
-- exceptions are named where they stand. Rows point to each other by (tenant, id), so that no reference can
-- cross a tenant. There are no foreign keys to `tenants` and none from inbound_messages: each insert would
-- lock one shared row, and row-level security already refuses a tenant that is not the role's own.

CREATE TABLE cells (
    cell text PRIMARY KEY,
    role_name text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE cells IS 'Isolation units: the pool, or one dedicated tenant. role_name logs in for its pods.';

CREATE TABLE tenants (
    tenant text PRIMARY KEY,
    cell text REFERENCES cells,
    role_name text,
    display_name text NOT NULL,
    assistant text NOT NULL,
    time_zone text NOT NULL,
    books jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CHECK (deleted_at IS NOT NULL OR (cell IS NOT NULL AND role_name IS NOT NULL))
);
COMMENT ON COLUMN tenants.role_name IS 'Role that may see the tenant: that of its cell. Row-level security reads it.';
COMMENT ON COLUMN tenants.deleted_at IS 'Deleted with its data retained: no cell has it, and no role sees its rows.';
COMMENT ON COLUMN tenants.books IS 'What SQL must know of the assistant''s settings, such as the currency.';

-- Leases. A cell's, not a tenant's: a lane carries events of all tenants of its cell.
CREATE TABLE workers (
    cell text NOT NULL REFERENCES cells ON DELETE CASCADE,
    worker text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (cell, worker)
);

CREATE TABLE lanes (
    lane text PRIMARY KEY,
    cell text NOT NULL REFERENCES cells ON DELETE CASCADE,
    partition integer NOT NULL CHECK (partition >= 0),
    fence bigint NOT NULL DEFAULT 0,
    worker text,
    clean boolean NOT NULL DEFAULT true,
    taken_at timestamptz,
    UNIQUE (cell, partition)
);
COMMENT ON COLUMN lanes.fence IS 'Goes up with each owner; whoever holds an older number writes nothing.';
COMMENT ON COLUMN lanes.clean IS 'The last owner gave it back in order, with nothing in flight.';

CREATE TABLE users (
    tenant text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text,
    language jsonb,
    plan text NOT NULL DEFAULT 'free',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);
COMMENT ON COLUMN users.name IS 'Profile name as last seen; nothing else of a profile is kept.';

CREATE TABLE user_identities (
    tenant text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('bsuid', 'phone')),
    hash bytea NOT NULL,
    sealed bytea NOT NULL,
    user_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, kind, hash),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id)
);
CREATE INDEX user_identities_user ON user_identities (tenant, user_id);
COMMENT ON COLUMN user_identities.hash IS 'Keyed hash of the number or BSUID, for look-up.';
COMMENT ON COLUMN user_identities.sealed IS 'The number or BSUID itself, encrypted under the tenant''s data key.';

CREATE TABLE conversations (
    tenant text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    phone_number_id text NOT NULL,
    user_id bigint NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    state jsonb NOT NULL DEFAULT '{}',
    language jsonb,
    mode text NOT NULL DEFAULT 'bot' CHECK (mode IN ('bot', 'human')),
    window_expires_at timestamptz,
    opted_out_at timestamptz,
    pair_tat timestamptz,
    throttle_tat timestamptz,
    day date,
    day_count integer NOT NULL DEFAULT 0,
    notices jsonb NOT NULL DEFAULT '{}',
    last_message_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, user_id, phone_number_id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id)
) WITH (fillfactor = 80);
COMMENT ON COLUMN conversations.version IS 'Goes up with each turn; a turn computed from an older one is refused.';
COMMENT ON COLUMN conversations.pair_tat IS 'Theoretical arrival time (GCRA) of the pair limit of Meta: outgoing.';
COMMENT ON COLUMN conversations.throttle_tat IS 'The same for what the person sends: incoming.';
COMMENT ON COLUMN conversations.notices IS 'When the person was last told of a limit, by kind of notice.';

CREATE TABLE inbound_messages (
    tenant text NOT NULL,
    message_id text NOT NULL,
    conversation_id bigint,
    type text NOT NULL,
    body jsonb,
    disposition text NOT NULL,
    sent_at timestamptz,
    received_at timestamptz NOT NULL,
    turn_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, message_id)
);
CREATE INDEX inbound_messages_conversation ON inbound_messages (tenant, conversation_id, turn_at);
CREATE INDEX inbound_messages_age ON inbound_messages (tenant, turn_at);
COMMENT ON TABLE inbound_messages IS 'The mark that a message was dealt with: a second one of the same id is refused.';
COMMENT ON COLUMN inbound_messages.conversation_id IS 'NULL where the message ended as a dead letter.';
COMMENT ON COLUMN inbound_messages.body IS 'The message as it came; NULL once its retention has passed.';

CREATE TABLE ledger_customers (
    tenant text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    user_id bigint NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    aliases text[] NOT NULL DEFAULT '{}',
    last_used_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, user_id, name_key)
);
CREATE INDEX ledger_customers_recent ON ledger_customers (tenant, user_id, last_used_at DESC);

CREATE TABLE transactions (
    tenant text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    user_id bigint NOT NULL,
    ref text NOT NULL,
    message_id text NOT NULL,
    customer_id bigint,
    customer_name text,
    description text NOT NULL,
    amount numeric(12, 2) NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    category text NOT NULL CHECK (category IN ('sale', 'buy', 'credit', 'payment', 'expense')),
    source text NOT NULL CHECK (source IN ('text', 'image', 'voice', 'email')),
    metadata jsonb NOT NULL DEFAULT '{}',
    occurred_on date NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, ref),
    FOREIGN KEY (tenant, customer_id) REFERENCES ledger_customers (tenant, id)
);
CREATE INDEX transactions_message ON transactions (tenant, message_id);
CREATE INDEX transactions_day ON transactions (tenant, user_id, occurred_on);
CREATE INDEX transactions_customer ON transactions (tenant, customer_id, occurred_on);
CREATE INDEX transactions_youngest ON transactions (tenant, user_id, id);
COMMENT ON TABLE transactions IS 'The live books. Corrections change a row in place, undo removes it; the history keeps both.';

CREATE TABLE transaction_history (
    tenant text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    user_id bigint NOT NULL,
    transaction_id bigint NOT NULL,
    ref text NOT NULL,
    action text NOT NULL CHECK (action IN ('amend', 'remove')),
    before jsonb NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, id)
);
CREATE INDEX transaction_history_transaction ON transaction_history (tenant, transaction_id);
CREATE INDEX transaction_history_user ON transaction_history (tenant, user_id);

CREATE TABLE memory (
    tenant text NOT NULL,
    user_id bigint NOT NULL,
    key text NOT NULL,
    value jsonb NOT NULL,
    embedding vector,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, user_id, key)
);

CREATE TABLE outbox (
    tenant text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    conversation_id bigint NOT NULL,
    user_id bigint NOT NULL,
    phone_number_id text NOT NULL,
    lane text NOT NULL,
    reply_to text,
    body jsonb,
    state text NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'sending', 'unsettled', 'sent', 'delivered', 'read', 'failed', 'dead')),
    past_opt_out boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    fence bigint,
    wamid text,
    error_code integer,
    error_detail text,
    created_at timestamptz NOT NULL DEFAULT now(),
    sending_at timestamptz,
    unsettled_at timestamptz,
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    failed_at timestamptz,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, conversation_id) REFERENCES conversations (tenant, id)
);
CREATE UNIQUE INDEX outbox_wamid ON outbox (tenant, wamid) WHERE wamid IS NOT NULL;
CREATE INDEX outbox_conversation ON outbox (tenant, conversation_id, id);
CREATE INDEX outbox_pending ON outbox (tenant, conversation_id, id)
    WHERE state IN ('queued', 'sending', 'unsettled');
CREATE INDEX outbox_age ON outbox (tenant, created_at);
-- Led by the lane, not the tenant: a new owner of a lane finds its work of all tenants, through
-- pending_outbox() only, which gives names of conversations and nothing of their content.
CREATE INDEX outbox_pending_of_lane ON outbox (lane, tenant, conversation_id, id)
    WHERE state IN ('queued', 'sending', 'unsettled');
COMMENT ON COLUMN outbox.body IS 'Cloud API payload without its recipient; NULL once its retention has passed.';
COMMENT ON COLUMN outbox.fence IS 'Fence of the lane when the row was last claimed.';
COMMENT ON COLUMN outbox.past_opt_out IS 'May be sent to a person who opted out: the confirmation of that very opt-out.';

CREATE TABLE message_costs (
    tenant text NOT NULL,
    wamid text NOT NULL,
    category text NOT NULL,
    outbox_id bigint,
    pricing_model text,
    type text,
    billable boolean,
    price numeric(12, 6),
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, wamid, category)
);
CREATE INDEX message_costs_at ON message_costs (tenant, at);

CREATE TABLE numbers (
    tenant text NOT NULL,
    phone_number_id text NOT NULL,
    tat timestamptz,
    paused_reason text,
    paused_at timestamptz,
    paused_until timestamptz,
    resumed_at timestamptz,
    PRIMARY KEY (tenant, phone_number_id)
);
COMMENT ON COLUMN numbers.tat IS 'Theoretical arrival time (GCRA) of the number''s throughput.';

CREATE TABLE dead_letters (
    tenant text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    source text NOT NULL CHECK (source IN ('ingress', 'turn', 'send')),
    key text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL DEFAULT '',
    payload jsonb NOT NULL,
    message_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz,
    dropped_at timestamptz,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, source, key)
);
CREATE INDEX dead_letters_age ON dead_letters (tenant, created_at);

CREATE TABLE usage (
    tenant text NOT NULL,
    month date NOT NULL,
    shard smallint NOT NULL,
    transactions integer NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, month, shard)
);
COMMENT ON COLUMN usage.month IS 'First day of the month in the tenant''s time zone.';
COMMENT ON COLUMN usage.shard IS 'Conversations share 16 counters, so that a busy tenant''s turns do not wait for one row.';

CREATE TABLE turn_attempts (
    tenant text NOT NULL,
    message_id text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, message_id)
);
CREATE INDEX turn_attempts_age ON turn_attempts (tenant, updated_at);
