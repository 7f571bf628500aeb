-- The functions of 0001 that know of answers and links; same names, same JSON in and out.

-- An entry belongs to the message that its ref names, and to those of any turn that changed it: a correction,
-- or the "yes" to a question. The first needs no link.
CREATE OR REPLACE FUNCTION link_entry(p_tenant text, p_ref text, p_messages text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF regexp_replace(p_ref, '#[0-9]+$', '') = ANY (p_messages) THEN
        RETURN;
    END IF;
    INSERT INTO transaction_messages (tenant, message_id, transaction_id)
        SELECT p_tenant, m, t.id FROM transactions t, unnest(p_messages) AS m
        WHERE t.tenant = p_tenant AND t.ref = p_ref
        ON CONFLICT DO NOTHING;
END
$$;

-- All effects of a turn, in their order. p_messages: the messages of the turn. The counters come last: they
-- are the rows that turns share.
CREATE OR REPLACE FUNCTION apply_effects(p_tenant text, p_zone text, p_user bigint, p_conversation bigint,
                                         p_effects jsonb, p_messages text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    e jsonb;
    v_added integer := 0;
    v_removed timestamptz[] := '{}';
    v_at timestamptz;
BEGIN
    FOR e IN SELECT * FROM jsonb_array_elements(p_effects) LOOP
        CASE e->>'op'
            WHEN 'add_entry' THEN
                PERFORM add_entry(p_tenant, p_user, e);
                v_added := v_added + 1;
                PERFORM link_entry(p_tenant, e->>'ref', p_messages);
            WHEN 'amend_entry' THEN
                PERFORM amend_entry(p_tenant, p_user, e);
                PERFORM link_entry(p_tenant, e->>'ref', p_messages);
            WHEN 'remove_entry' THEN
                v_removed := v_removed || remove_entry(p_tenant, p_user, e);
            WHEN 'learn_alias' THEN
                PERFORM learn_alias(p_tenant, p_user, e);
            WHEN 'remember' THEN
                INSERT INTO memory AS m (tenant, user_id, key, value) VALUES (p_tenant, p_user, e->>'key', e->'value')
                    ON CONFLICT (tenant, user_id, key)
                    DO UPDATE SET value = excluded.value, embedding = NULL, updated_at = clock_timestamp();
            ELSE
                RAISE EXCEPTION 'unknown effect %', e->>'op' USING ERRCODE = 'MU422';
        END CASE;
    END LOOP;
    FOREACH v_at IN ARRAY v_removed LOOP
        PERFORM count_usage(p_tenant, p_zone, p_conversation, v_at, -1);
    END LOOP;
    IF v_added > 0 THEN
        PERFORM count_usage(p_tenant, p_zone, p_conversation, now(), v_added);
    END IF;
END
$$;

-- Writes a turn, or nothing. Only what is given changes: a field that is absent or null stays.
-- p: {"tenant", "lane", "fence", "phone_number_id", "identities": [{"kind", "hash", "sealed"}], "person_name",
--     "conversation_id", "version", "messages": [{"id", "type", "body", "disposition", "sent_at", "received_at"}],
--     "state", "language", "effects": [effect], "outbox": [{"body", "reply_to", "past_opt_out"}],
--     "window_expires_at", "throttle_tat", "day", "day_count", "notices", "opted_out": bool,
--     "claim": {"pair_interval": seconds, "pair_burst": n}}
-- -> {"status": "committed", "conversation_id", "user_id", "version", "outbox": [{"id", "claimed"}]}
--    {"status": "fenced"}                   the lane has another owner
--    {"status": "duplicate", "seen": [id]}  compute again without these
--    {"status": "conflict", "reason"}       `version` or `person`: load again; `merge`: link_person() first
-- `claim`: the first row of the outbox is taken for sending at once, where nothing stands before it.
CREATE OR REPLACE FUNCTION commit_turn(p jsonb) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_tenant text := p->>'tenant';
    v_now timestamptz := clock_timestamp();
    v_zone text;
    v_seen jsonb;
    v_place record;
    v_version bigint;
    v_marked integer;
    v_opted_out boolean;
    v_window timestamptz;
    v_pair_tat timestamptz;
    v_outbox jsonb := '[]';
BEGIN
    PERFORM set_config('munshi.tenant', v_tenant, true);
    PERFORM pg_advisory_xact_lock_shared(lane_lock_key(p->>'lane'));
    PERFORM pg_advisory_xact_lock_shared(people_lock_key(v_tenant));
    SELECT t.time_zone INTO v_zone FROM tenants t WHERE t.tenant = v_tenant;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'tenant % is not of this role', v_tenant USING ERRCODE = 'MU403';
    END IF;
    PERFORM FROM lanes l WHERE l.lane = p->>'lane' AND l.fence = (p->>'fence')::bigint;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('status', 'fenced');
    END IF;
    v_seen := seen_messages(v_tenant, (SELECT jsonb_agg(m->'id') FROM jsonb_array_elements(p->'messages') m));
    IF v_seen <> '[]' THEN
        RETURN jsonb_build_object('status', 'duplicate', 'seen', v_seen);
    END IF;
    v_place := turn_place(p);
    IF v_place.o_conflict IS NOT NULL THEN
        RETURN jsonb_build_object('status', 'conflict', 'reason', v_place.o_conflict);
    END IF;

    INSERT INTO inbound_messages (tenant, message_id, conversation_id, type, body, disposition, sent_at, received_at)
        SELECT v_tenant, m.id, v_place.o_conversation, m.type, m.body, m.disposition, m.sent_at, m.received_at
        FROM jsonb_to_recordset(p->'messages') AS m (id text, type text, body jsonb, disposition text,
                                                     sent_at timestamptz, received_at timestamptz)
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_marked = ROW_COUNT;
    IF v_marked <> jsonb_array_length(p->'messages') THEN
        RAISE EXCEPTION 'a message was marked meanwhile' USING ERRCODE = 'MU409';
    END IF;
    v_opted_out := coalesce((p->>'opted_out')::boolean, v_place.o_opted_out);
    v_window := greatest(v_place.o_window, (p->>'window_expires_at')::timestamptz);
    IF p->'outbox' <> '[]' THEN
        v_pair_tat := claim_at_once(p, v_place.o_conversation, v_place.o_pair_tat, v_opted_out, v_window, v_now);
        v_outbox := queue_replies(p, v_place.o_conversation, v_place.o_user, v_pair_tat IS NOT NULL, v_now);
    END IF;
    UPDATE conversations c
        SET version = c.version + 1,
            state = coalesce(nullif(p->'state', 'null'), c.state),
            language = coalesce(nullif(p->'language', 'null'), c.language),
            window_expires_at = v_window,
            pair_tat = coalesce(v_pair_tat, c.pair_tat),
            throttle_tat = coalesce((p->>'throttle_tat')::timestamptz, c.throttle_tat),
            day = coalesce((p->>'day')::date, c.day),
            day_count = coalesce((p->>'day_count')::integer, c.day_count),
            notices = coalesce(nullif(p->'notices', 'null'), c.notices),
            opted_out_at = CASE WHEN v_opted_out THEN coalesce(c.opted_out_at, v_now) END,
            last_message_at = v_now
        WHERE c.tenant = v_tenant AND c.id = v_place.o_conversation
        RETURNING c.version INTO v_version;
    PERFORM note_person(p, v_place.o_user);
    IF p->'effects' <> '[]' THEN
        PERFORM apply_effects(v_tenant, v_zone, v_place.o_user, v_place.o_conversation, p->'effects',
                              ARRAY(SELECT m->>'id' FROM jsonb_array_elements(p->'messages') m));
    END IF;
    RETURN jsonb_build_object('status', 'committed', 'conversation_id', v_place.o_conversation,
                              'user_id', v_place.o_user, 'version', v_version, 'outbox', v_outbox);
END
$$;

-- Queues the replies of a turn in their order; the first as `sending` where it is claimed at once.
-- -> [{"id", "claimed"}]
CREATE OR REPLACE FUNCTION queue_replies(p jsonb, p_conversation bigint, p_user bigint, p_claim boolean, p_now timestamptz)
    RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_answers text[] := ARRAY(SELECT m->>'id' FROM jsonb_array_elements(p->'messages') m);
    v_rows jsonb;
BEGIN
    WITH queued AS (
        INSERT INTO outbox (tenant, conversation_id, user_id, phone_number_id, lane, reply_to, answers, body,
                            past_opt_out, state, attempts, sending_at, fence)
            SELECT p->>'tenant', p_conversation, p_user, p->>'phone_number_id', p->>'lane', r.o->>'reply_to', v_answers,
                   r.o->'body', coalesce((r.o->>'past_opt_out')::boolean, false),
                   CASE WHEN p_claim AND r.n = 1 THEN 'sending' ELSE 'queued' END,
                   CASE WHEN p_claim AND r.n = 1 THEN 1 ELSE 0 END,
                   CASE WHEN p_claim AND r.n = 1 THEN p_now END,
                   CASE WHEN p_claim AND r.n = 1 THEN (p->>'fence')::bigint END
            FROM jsonb_array_elements(p->'outbox') WITH ORDINALITY AS r (o, n) ORDER BY r.n
            RETURNING id, state)
    SELECT jsonb_agg(jsonb_build_object('id', q.id, 'claimed', q.state = 'sending') ORDER BY q.id) INTO v_rows
        FROM queued q;
    RETURN v_rows;
END
$$;

-- Entries that came of this message or were changed by it, or by a message that this reply of ours answered.
-- A reply of before 0002 that is not filled in yet answers what it replied to.
CREATE OR REPLACE FUNCTION read_entries_of_message(p_tenant text, p_user bigint, p_message text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_messages text[];
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    SELECT CASE o.answers WHEN '{}' THEN ARRAY[o.reply_to] ELSE o.answers END INTO v_messages
        FROM outbox o WHERE o.tenant = p_tenant AND o.wamid = p_message;
    v_messages := coalesce(v_messages, '{}') || p_message;
    RETURN (SELECT coalesce(jsonb_agg(entry_json(t) ORDER BY t.id), '[]') FROM transactions t
            WHERE t.tenant = p_tenant AND t.user_id = p_user AND t.id IN (
                SELECT own.id FROM transactions own
                WHERE own.tenant = p_tenant AND own.message_id = ANY (v_messages)
                UNION
                SELECT link.transaction_id FROM transaction_messages link
                WHERE link.tenant = p_tenant AND link.message_id = ANY (v_messages)));
END
$$;

-- Deletes everything of a tenant, in one transaction: deletionPolicy Delete, by the operator's hand.
CREATE OR REPLACE FUNCTION purge_tenant(p_tenant text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM message_costs WHERE tenant = p_tenant;
    DELETE FROM outbox WHERE tenant = p_tenant;
    DELETE FROM inbound_messages WHERE tenant = p_tenant;
    DELETE FROM transaction_history WHERE tenant = p_tenant;
    DELETE FROM transaction_messages WHERE tenant = p_tenant;
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

DROP FUNCTION IF EXISTS apply_effects(text, text, bigint, bigint, jsonb);
REVOKE EXECUTE ON FUNCTION link_entry, apply_effects FROM PUBLIC;
GRANT EXECUTE ON FUNCTION link_entry, apply_effects TO munshi_services;
