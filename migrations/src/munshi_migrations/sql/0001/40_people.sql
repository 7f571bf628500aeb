-- A person: one row of `users`, found by any of the identities that were seen together.
-- Every turn holds the tenant's people lock shared; a merge of two users holds it exclusively, so it meets
-- no turn half-way and needs no order of row locks. Merges are rare and take milliseconds.

CREATE FUNCTION people_lock_key(p_tenant text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended('munshi.people:' || p_tenant, 0);

-- The user whom these identities name: NULL where none is known, -1 where they name more than one.
CREATE FUNCTION find_person(p_tenant text, p_identities jsonb) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN (
        SELECT CASE WHEN min(f.user_id) = max(f.user_id) THEN min(f.user_id)
                    WHEN min(f.user_id) IS NOT NULL THEN -1 END
        FROM (SELECT (SELECT u.user_id FROM user_identities u
                      WHERE u.tenant = p_tenant AND u.kind = i.kind AND u.hash = decode(i.hash, 'hex')) AS user_id
              FROM jsonb_to_recordset(p_identities) AS i (kind text, hash text)) f);
END
$$;

-- Finds or makes the user of these identities and links those that are new. Serialised per identity, so
-- that two first messages of one person make one user. -> user id; -1 where a merge is needed first.
CREATE FUNCTION ensure_person(p_tenant text, p_identities jsonb, p_name text) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_user bigint;
    v_key bigint;
BEGIN
    IF jsonb_array_length(p_identities) = 0 THEN
        RAISE EXCEPTION 'a person needs at least one identity' USING ERRCODE = 'MU422';
    END IF;
    FOR v_key IN
        SELECT hashtextextended('munshi.identity:' || p_tenant || ':' || i.kind || ':' || i.hash, 0) AS k
        FROM jsonb_to_recordset(p_identities) AS i (kind text, hash text) ORDER BY k
    LOOP
        PERFORM pg_advisory_xact_lock(v_key);
    END LOOP;
    v_user := find_person(p_tenant, p_identities);
    IF v_user = -1 THEN
        RETURN v_user;
    END IF;
    IF v_user IS NULL THEN
        INSERT INTO users (tenant, name) VALUES (p_tenant, p_name) RETURNING id INTO v_user;
    END IF;
    INSERT INTO user_identities (tenant, kind, hash, sealed, user_id)
        SELECT p_tenant, i.kind, decode(i.hash, 'hex'), decode(i.sealed, 'hex'), v_user
        FROM jsonb_to_recordset(p_identities) AS i (kind text, hash text, sealed text)
        ON CONFLICT DO NOTHING;
    RETURN v_user;
END
$$;

-- Makes these identities one person: links new ones, and merges where they name several users. The oldest
-- user stays. Of two conversations on one business number the one written to last keeps its state.
-- Waiting rows of the outbox move to `lane`, that of the identity by which the person writes from now on;
-- what is just being sent stays with its sender.
-- p: {"tenant", "lane", "identities": [{"kind", "hash", "sealed"}], "name"} 
-- -> {"user_id", "merged": [user ids], "pending": [conversation ids that have something to send]}
-- Runs as the owner, since nobody else may delete a user; so it checks for itself whose the tenant is.
CREATE FUNCTION link_person(p jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_tenant text := p->>'tenant';
    v_users bigint[];
    v_keep bigint;
    v_gone bigint;
BEGIN
    PERFORM FROM tenants t WHERE t.tenant = v_tenant AND t.role_name = session_user;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'tenant % is not of this role', v_tenant USING ERRCODE = 'MU403';
    END IF;
    PERFORM pg_advisory_xact_lock(people_lock_key(v_tenant));
    SELECT array_agg(DISTINCT f.user_id ORDER BY f.user_id) FILTER (WHERE f.user_id IS NOT NULL) INTO v_users
        FROM (SELECT (SELECT u.user_id FROM user_identities u
                      WHERE u.tenant = v_tenant AND u.kind = i.kind AND u.hash = decode(i.hash, 'hex')) AS user_id
              FROM jsonb_to_recordset(p->'identities') AS i (kind text, hash text)) f;
    v_keep := v_users[1];
    FOREACH v_gone IN ARRAY coalesce(v_users[2:], '{}') LOOP
        PERFORM merge_users(v_tenant, v_keep, v_gone, p->>'lane');
    END LOOP;
    v_keep := ensure_person(v_tenant, p->'identities', p->>'name');
    RETURN jsonb_build_object(
        'user_id', v_keep, 'merged', to_jsonb(coalesce(v_users[2:], '{}')),
        'pending', (SELECT coalesce(jsonb_agg(c.id ORDER BY c.id), '[]') FROM conversations c
                    WHERE c.tenant = v_tenant AND c.user_id = v_keep AND EXISTS (
                        SELECT FROM outbox o WHERE o.tenant = v_tenant AND o.conversation_id = c.id
                          AND o.state IN ('queued', 'sending', 'unsettled'))));
END
$$;

-- The inner part of link_person(), under its lock. Nobody may call it by itself.
CREATE FUNCTION merge_users(p_tenant text, p_keep bigint, p_gone bigint, p_lane text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_conversation record;
    v_customer record;
BEGIN
    UPDATE user_identities SET user_id = p_keep WHERE tenant = p_tenant AND user_id = p_gone;
    FOR v_conversation IN
        SELECT g.id AS gone, k.id AS keep FROM conversations g
        LEFT JOIN conversations k
            ON k.tenant = p_tenant AND k.phone_number_id = g.phone_number_id AND k.user_id = p_keep
        WHERE g.tenant = p_tenant AND g.user_id = p_gone
    LOOP
        PERFORM merge_conversations(p_tenant, v_conversation.keep, v_conversation.gone, p_keep);
    END LOOP;
    UPDATE outbox SET user_id = p_keep WHERE tenant = p_tenant AND user_id = p_gone;
    UPDATE outbox SET lane = p_lane
        WHERE tenant = p_tenant AND state IN ('queued', 'unsettled') AND conversation_id IN (
            SELECT id FROM conversations WHERE tenant = p_tenant AND user_id = p_keep);

    FOR v_customer IN
        SELECT g.id AS gone, k.id AS keep, g.aliases, g.last_used_at FROM ledger_customers g
        JOIN ledger_customers k ON k.tenant = p_tenant AND k.user_id = p_keep AND k.name_key = g.name_key
        WHERE g.tenant = p_tenant AND g.user_id = p_gone
    LOOP
        UPDATE transactions SET customer_id = v_customer.keep
            WHERE tenant = p_tenant AND customer_id = v_customer.gone;
        UPDATE ledger_customers k
            SET aliases = (SELECT coalesce(array_agg(DISTINCT a), '{}') FROM unnest(k.aliases || v_customer.aliases) a),
                last_used_at = greatest(k.last_used_at, v_customer.last_used_at)
            WHERE k.tenant = p_tenant AND k.id = v_customer.keep;
        DELETE FROM ledger_customers WHERE tenant = p_tenant AND id = v_customer.gone;
    END LOOP;
    UPDATE ledger_customers SET user_id = p_keep WHERE tenant = p_tenant AND user_id = p_gone;
    UPDATE transactions SET user_id = p_keep WHERE tenant = p_tenant AND user_id = p_gone;
    UPDATE transaction_history SET user_id = p_keep WHERE tenant = p_tenant AND user_id = p_gone;

    -- of one key the younger value stays
    DELETE FROM memory k USING memory g
        WHERE k.tenant = p_tenant AND k.user_id = p_keep AND g.tenant = p_tenant AND g.user_id = p_gone
          AND g.key = k.key AND g.updated_at > k.updated_at;
    UPDATE memory g SET user_id = p_keep
        WHERE g.tenant = p_tenant AND g.user_id = p_gone AND NOT EXISTS (
            SELECT FROM memory k WHERE k.tenant = p_tenant AND k.user_id = p_keep AND k.key = g.key);
    DELETE FROM memory WHERE tenant = p_tenant AND user_id = p_gone;

    UPDATE users k SET name = coalesce(k.name, g.name), language = coalesce(k.language, g.language)
        FROM users g WHERE k.tenant = p_tenant AND k.id = p_keep AND g.tenant = p_tenant AND g.id = p_gone;
    DELETE FROM users WHERE tenant = p_tenant AND id = p_gone;
END
$$;

-- Moves the conversation `p_gone` to the user who stays; where that user has one on the same number
-- (`p_keep`, else NULL), the two become one. Either way its version moves on: a turn computed before is refused.
CREATE FUNCTION merge_conversations(p_tenant text, p_keep bigint, p_gone bigint, p_user bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF p_keep IS NULL THEN
        UPDATE conversations SET user_id = p_user, version = version + 1 WHERE tenant = p_tenant AND id = p_gone;
        RETURN;
    END IF;
    UPDATE outbox SET conversation_id = p_keep WHERE tenant = p_tenant AND conversation_id = p_gone;
    UPDATE inbound_messages SET conversation_id = p_keep WHERE tenant = p_tenant AND conversation_id = p_gone;
    UPDATE conversations k
        SET version = greatest(k.version, g.version) + 1,
            state = CASE WHEN g.last_message_at > k.last_message_at THEN g.state ELSE k.state END,
            language = CASE WHEN g.last_message_at > k.last_message_at THEN g.language ELSE k.language END,
            mode = CASE WHEN 'human' IN (g.mode, k.mode) THEN 'human' ELSE 'bot' END,
            window_expires_at = greatest(k.window_expires_at, g.window_expires_at),
            opted_out_at = greatest(k.opted_out_at, g.opted_out_at),
            pair_tat = greatest(k.pair_tat, g.pair_tat),
            throttle_tat = greatest(k.throttle_tat, g.throttle_tat),
            day = greatest(k.day, g.day),
            day_count = CASE WHEN k.day = g.day THEN k.day_count + g.day_count
                             WHEN g.day > k.day OR k.day IS NULL THEN g.day_count ELSE k.day_count END,
            notices = g.notices || k.notices,
            last_message_at = greatest(k.last_message_at, g.last_message_at)
        FROM conversations g
        WHERE k.tenant = p_tenant AND k.id = p_keep AND g.tenant = p_tenant AND g.id = p_gone;
    DELETE FROM conversations WHERE tenant = p_tenant AND id = p_gone;
END
$$;
