-- The effects of the Ledger assistant, applied inside commit_turn(). SQLSTATE MU409 means that the books
-- are not as the turn saw them: it is computed again.

-- One spelling of a name for comparison: composed, one blank, lower case.
CREATE FUNCTION name_key(p_name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    RETURN lower(btrim(regexp_replace(normalize(p_name, NFC), '\s+', ' ', 'g')));

-- The customer of an entry: by id, else by name, made where it is new. NULL where neither is given.
CREATE FUNCTION ledger_customer(p_tenant text, p_user bigint, p_id bigint, p_name text,
                                OUT o_id bigint, OUT o_name text)
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF p_id IS NOT NULL THEN
        UPDATE ledger_customers c SET last_used_at = clock_timestamp()
            WHERE c.tenant = p_tenant AND c.id = p_id AND c.user_id = p_user
            RETURNING c.id, c.name INTO o_id, o_name;
        IF o_id IS NULL THEN
            RAISE EXCEPTION 'customer % is not in these books', p_id USING ERRCODE = 'MU409';
        END IF;
    ELSIF p_name IS NOT NULL THEN
        INSERT INTO ledger_customers AS c (tenant, user_id, name, name_key)
            VALUES (p_tenant, p_user, p_name, name_key(p_name))
            ON CONFLICT (tenant, user_id, name_key) DO UPDATE SET last_used_at = clock_timestamp()
            RETURNING c.id, c.name INTO o_id, o_name;
    END IF;
END
$$;

-- Counts entries of a month in the tenant's zone; a removal counts -1 in the month of the booking.
CREATE FUNCTION count_usage(p_tenant text, p_zone text, p_conversation bigint, p_at timestamptz, p_n integer)
    RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO usage AS u (tenant, month, shard, transactions)
        VALUES (p_tenant, date_trunc('month', p_at AT TIME ZONE p_zone)::date, p_conversation % 16, p_n)
        ON CONFLICT (tenant, month, shard) DO UPDATE SET transactions = u.transactions + excluded.transactions;
END
$$;

CREATE FUNCTION add_entry(p_tenant text, p_user bigint, e jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_customer record;
BEGIN
    v_customer := ledger_customer(p_tenant, p_user, (e->>'customer_id')::bigint, e->>'customer_name');
    INSERT INTO transactions (tenant, user_id, ref, message_id, customer_id, customer_name, description, amount,
                              currency, category, source, metadata, occurred_on)
        VALUES (p_tenant, p_user, e->>'ref', regexp_replace(e->>'ref', '#[0-9]+$', ''), v_customer.o_id,
                v_customer.o_name, e->>'description', (e->>'amount')::numeric(12, 2), e->>'currency',
                e->>'category', e->>'source', coalesce(e->'metadata', '{}'), (e->>'occurred_on')::date);
END
$$;

CREATE FUNCTION amend_entry(p_tenant text, p_user bigint, e jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_customer record;
    v_old transactions%ROWTYPE;
BEGIN
    SELECT * INTO v_old FROM transactions t
        WHERE t.tenant = p_tenant AND t.ref = e->>'ref' AND t.user_id = p_user FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the entry to amend is not in these books' USING ERRCODE = 'MU409';
    END IF;
    v_customer := ledger_customer(p_tenant, p_user, (e->>'customer_id')::bigint, e->>'customer_name');
    INSERT INTO transaction_history (tenant, user_id, transaction_id, ref, action, before, reason)
        VALUES (p_tenant, p_user, v_old.id, v_old.ref, 'amend', to_jsonb(v_old), e->>'reason');
    UPDATE transactions t
        SET customer_id = coalesce(v_customer.o_id, t.customer_id),
            customer_name = coalesce(v_customer.o_name, t.customer_name),
            amount = coalesce((e->>'amount')::numeric(12, 2), t.amount),
            category = coalesce(e->>'category', t.category),
            occurred_on = coalesce((e->>'occurred_on')::date, t.occurred_on),
            updated_at = clock_timestamp()
        WHERE t.tenant = p_tenant AND t.id = v_old.id;
END
$$;

-- -> when the entry was booked, for the count of its month
CREATE FUNCTION remove_entry(p_tenant text, p_user bigint, e jsonb) RETURNS timestamptz
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_old transactions%ROWTYPE;
BEGIN
    DELETE FROM transactions t WHERE t.tenant = p_tenant AND t.ref = e->>'ref' AND t.user_id = p_user
        RETURNING * INTO v_old;
    IF v_old.id IS NULL THEN
        RAISE EXCEPTION 'the entry to remove is not in these books' USING ERRCODE = 'MU409';
    END IF;
    INSERT INTO transaction_history (tenant, user_id, transaction_id, ref, action, before, reason)
        VALUES (p_tenant, p_user, v_old.id, v_old.ref, 'remove', to_jsonb(v_old), e->>'reason');
    RETURN v_old.created_at;
END
$$;

-- At most 50 spellings of a name, the youngest stay.
CREATE FUNCTION learn_alias(p_tenant text, p_user bigint, e jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE ledger_customers c
        SET aliases = (array_remove(c.aliases, e->>'alias') || (e->>'alias'))[
            greatest(1, cardinality(array_remove(c.aliases, e->>'alias')) - 48):]
        WHERE c.tenant = p_tenant AND c.id = (e->>'customer_id')::bigint AND c.user_id = p_user;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'customer % is not in these books', e->>'customer_id' USING ERRCODE = 'MU409';
    END IF;
END
$$;

-- Books an entry, or a correction of one; `p` is the whole turn.
CREATE FUNCTION book_entry(p jsonb, p_user bigint, e jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF e->>'op' = 'add_entry' THEN
        PERFORM add_entry(p->>'tenant', p_user, e);
    ELSE
        PERFORM amend_entry(p->>'tenant', p_user, e);
    END IF;
END
$$;

-- All effects of a turn, in their order. The counters come last: they are the rows that turns share.
CREATE FUNCTION apply_effects(p jsonb, p_zone text, p_user bigint, p_conversation bigint) RETURNS void
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
