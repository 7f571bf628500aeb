-- Announcing that a message takes long, and replies that go out as voice notes.

-- p: {"tenant", "phone_number_id", "identities": [{"kind", "hash"}], "message_ids": [id]}
-- -> {"conversation": {…}|null, "user": {…}|null, "unlinked": [{"kind", "hash"}], "merge": bool,
--     "seen": [message id], "transactions_this_month": int, "customers": [{"id", "name", "aliases"}]|null}
-- `customers`: all names of the person's books where they are few, since most turns need them; null: ask for
-- them by read_customers().
-- `merge`: the identities name several users; link_person() first, then load again.
CREATE OR REPLACE FUNCTION load_turn(p jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_tenant text := p->>'tenant';
    v_zone text;
    v_user bigint;
    v_person jsonb;
    v_conversation jsonb;
    v_few constant integer := 50;
    v_customers jsonb := '[]';
BEGIN
    PERFORM set_config('munshi.tenant', v_tenant, true);
    SELECT t.time_zone INTO v_zone FROM tenants t WHERE t.tenant = v_tenant;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'tenant % is not of this role', v_tenant USING ERRCODE = 'MU403';
    END IF;
    v_user := find_person(v_tenant, p->'identities');
    IF v_user > 0 THEN
        SELECT jsonb_build_object('id', u.id, 'name', u.name, 'language', u.language, 'plan', u.plan,
                                  'voice_replies', coalesce((
                                      SELECT (m.value->>'on')::boolean FROM memory m
                                      WHERE m.tenant = v_tenant AND m.user_id = v_user AND m.key = 'voice_replies'),
                                      false))
            INTO v_person FROM users u WHERE u.tenant = v_tenant AND u.id = v_user;
        SELECT jsonb_build_object(
                'id', c.id, 'version', c.version, 'state', c.state, 'language', c.language, 'mode', c.mode,
                'opted_out', c.opted_out_at IS NOT NULL, 'window_expires_at', c.window_expires_at,
                'throttle_tat', c.throttle_tat, 'day', c.day, 'day_count', c.day_count, 'notices', c.notices,
                'pending_outbox', (SELECT count(*) FROM outbox o
                                   WHERE o.tenant = v_tenant AND o.conversation_id = c.id
                                     AND o.state IN ('queued', 'sending', 'unsettled')))
            INTO v_conversation FROM conversations c
            WHERE c.tenant = v_tenant AND c.phone_number_id = p->>'phone_number_id' AND c.user_id = v_user;
        v_customers := read_customers(v_tenant, v_user, v_few + 1);
    END IF;
    RETURN jsonb_build_object(
        'customers', CASE WHEN jsonb_array_length(v_customers) <= v_few THEN v_customers END,
        'conversation', v_conversation, 'user', v_person, 'merge', coalesce(v_user = -1, false),
        'unlinked', (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', i.kind, 'hash', i.hash)), '[]')
                     FROM jsonb_to_recordset(p->'identities') AS i (kind text, hash text)
                     WHERE (SELECT u.user_id FROM user_identities u WHERE u.tenant = v_tenant AND u.kind = i.kind
                            AND u.hash = decode(i.hash, 'hex')) IS NULL),
        'seen', seen_messages(v_tenant, p->'message_ids'),
        'transactions_this_month', (
            SELECT coalesce(sum(u.transactions), 0) FROM usage u
            WHERE u.tenant = v_tenant AND u.month = date_trunc('month', now() AT TIME ZONE v_zone)::date));
END
$$;

-- Tells the person that a message takes long, once: a row of the outbox, before the turn of that message. In a
-- transaction of its own, since the turn cannot be computed yet; repeated, it does nothing.
-- p: {"tenant", "lane", "fence", "phone_number_id", "identities", "person_name", "conversation_id", "version",
--     "messages": [{"id"}], "outbox": [{"body", "reply_to"}], "window_expires_at"}: one message, one reply, the
--     rest as for commit_turn()
-- -> {"status": "announced", "conversation_id"}
--    {"status": "fenced" | "already" | "conflict"}  nothing was written; `already`: announced or dealt with before
CREATE FUNCTION announce(p jsonb) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_tenant text := p->>'tenant';
    v_now timestamptz := clock_timestamp();
    v_place record;
BEGIN
    PERFORM set_config('munshi.tenant', v_tenant, true);
    PERFORM pg_advisory_xact_lock_shared(lane_lock_key(p->>'lane'));
    PERFORM pg_advisory_xact_lock_shared(people_lock_key(v_tenant));
    PERFORM FROM lanes l WHERE l.lane = p->>'lane' AND l.fence = (p->>'fence')::bigint;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('status', 'fenced');
    END IF;
    IF seen_messages(v_tenant, jsonb_build_array(p->'messages'->0->'id')) <> '[]' THEN
        RETURN jsonb_build_object('status', 'already');
    END IF;
    v_place := turn_place(p);
    IF v_place.o_conflict IS NOT NULL THEN
        RETURN jsonb_build_object('status', 'conflict');
    END IF;
    INSERT INTO announcements (tenant, message_id) VALUES (v_tenant, p->'messages'->0->>'id') ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('status', 'already');
    END IF;
    PERFORM queue_replies(p, v_place.o_conversation, v_place.o_user, false, v_now);
    UPDATE conversations c
        SET window_expires_at = greatest(c.window_expires_at, (p->>'window_expires_at')::timestamptz)
        WHERE c.tenant = v_tenant AND c.id = v_place.o_conversation;
    RETURN jsonb_build_object('status', 'announced', 'conversation_id', v_place.o_conversation);
END
$$;

-- Whether the first reply of a turn may be taken for sending in the commit itself: asked for by `claim`, and
-- nothing forbids it: it is no voice note still to be spoken, no earlier row waits, the window is open, the
-- person wants messages, the number is not paused, the pair limit has room.
-- -> the pair's next theoretical arrival time; NULL: not at once
CREATE OR REPLACE FUNCTION claim_at_once(p jsonb, p_conversation bigint, p_pair_tat timestamptz, p_opted_out boolean,
                              p_window timestamptz, p_now timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_tenant text := p->>'tenant';
    v_first jsonb := p->'outbox'->0;
    v_interval interval := make_interval(secs => (p->'claim'->>'pair_interval')::float8);
    v_tat timestamptz := greatest(p_pair_tat, p_now);
BEGIN
    IF coalesce(p->'claim', 'null') = 'null'
        OR v_first->'body'->>'type' = 'voice'
        OR (p_opted_out AND NOT coalesce((v_first->>'past_opt_out')::boolean, false))
        OR (v_first->'body'->>'type' IS DISTINCT FROM 'template' AND coalesce(p_window <= p_now, true))
        OR v_tat - v_interval * ((p->'claim'->>'pair_burst')::integer - 1) > p_now
        OR EXISTS (SELECT FROM outbox o WHERE o.tenant = v_tenant AND o.conversation_id = p_conversation
                     AND o.state IN ('queued', 'sending', 'unsettled'))
        OR number_is_paused(v_tenant, p->>'phone_number_id', p_now)
    THEN
        RETURN NULL;
    END IF;
    RETURN v_tat + v_interval;
END
$$;

-- The next row of a conversation, as `sending`. Strictly in order: a row waits for every earlier one to be
-- sent or given up. Window and opt-out are looked at here and not when the row was queued.
-- p: {"tenant", "lane", "fence", "conversation_id", "pair_interval", "pair_burst", "settle_after": seconds}
-- -> {"status": "claimed", "closed", "row": {"id", "attempt", "uncertain", "phone_number_id", "body", "reply_to",
--                                            "user_id", "created_at", "identities": [{"kind", "sealed"}]}}
--                                   `uncertain`: the attempt before may have reached Meta
--    {"status": "wait", "closed", "reason", "until"}  reason: `in_flight`, `unsettled`, `back_off`, `pair`,
--                                   `paused`; until is null where only an event ends the wait
--    {"status": "wait", "closed", "reason": "voice", "row": {"id", "body", "phone_number_id"}}  a voice note
--                                   that is still to be spoken: speak_outbox(), then claim again
--    {"status": "empty", "closed"}  nothing is left
--    {"status": "fenced"}           the lane has another owner
-- `closed`: rows given up on the way, [{"id", "reason": "window" or "opt_out"}].
CREATE OR REPLACE FUNCTION claim_outbox(p jsonb) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_tenant text := p->>'tenant';
    v_lane text := p->>'lane';
    v_fence bigint := (p->>'fence')::bigint;
    v_now timestamptz := clock_timestamp();
    v_talk conversations%ROWTYPE;
    v_row outbox%ROWTYPE;
    v_closed jsonb := '[]';
    v_wait record;
    v_reason text;
BEGIN
    PERFORM set_config('munshi.tenant', v_tenant, true);
    PERFORM pg_advisory_xact_lock_shared(lane_lock_key(v_lane));
    PERFORM pg_advisory_xact_lock_shared(people_lock_key(v_tenant));
    PERFORM FROM lanes l WHERE l.lane = v_lane AND l.fence = v_fence;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('status', 'fenced');
    END IF;
    SELECT * INTO v_talk FROM conversations c
        WHERE c.tenant = v_tenant AND c.id = (p->>'conversation_id')::bigint FOR NO KEY UPDATE;
    LOOP
        SELECT * INTO v_row FROM outbox o
            WHERE o.tenant = v_tenant AND o.conversation_id = v_talk.id
              AND o.state IN ('queued', 'sending', 'unsettled')
            ORDER BY o.id LIMIT 1 FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RETURN jsonb_build_object('status', 'empty', 'closed', v_closed);
        END IF;
        v_wait := outbox_wait(v_row, v_lane, v_fence, make_interval(secs => (p->>'settle_after')::float8), v_now);
        IF v_wait.o_reason IS NOT NULL THEN
            RETURN jsonb_build_object('status', 'wait', 'closed', v_closed, 'reason', v_wait.o_reason,
                                      'until', v_wait.o_until);
        END IF;
        v_reason := CASE
            WHEN v_talk.opted_out_at IS NOT NULL AND NOT v_row.past_opt_out THEN 'opt_out'
            WHEN v_row.body->>'type' IS DISTINCT FROM 'template'
                AND (v_talk.window_expires_at IS NULL OR v_talk.window_expires_at <= v_now) THEN 'window'
        END;
        EXIT WHEN v_reason IS NULL;
        UPDATE outbox o
            SET state = 'failed', failed_at = v_now, error_detail = v_reason,
                error_code = CASE v_reason WHEN 'window' THEN 131047 ELSE 131050 END
            WHERE o.tenant = v_tenant AND o.id = v_row.id;
        v_closed := v_closed || jsonb_build_object('id', v_row.id, 'reason', v_reason);
    END LOOP;
    IF v_row.body->>'type' = 'voice' THEN
        RETURN jsonb_build_object('status', 'wait', 'closed', v_closed, 'reason', 'voice', 'until', NULL,
                                  'row', jsonb_build_object('id', v_row.id, 'body', v_row.body,
                                                            'phone_number_id', v_row.phone_number_id));
    END IF;
    v_wait.o_until := take_pair(v_tenant, v_talk.id, p, v_now);
    IF v_wait.o_until IS NOT NULL THEN
        RETURN jsonb_build_object('status', 'wait', 'closed', v_closed, 'reason', 'pair', 'until', v_wait.o_until);
    END IF;
    UPDATE outbox o SET state = 'sending', attempts = o.attempts + 1, sending_at = v_now, unsettled_at = NULL,
                        next_attempt_at = NULL, lane = v_lane, fence = v_fence
        WHERE o.tenant = v_tenant AND o.id = v_row.id;
    RETURN jsonb_build_object('status', 'claimed', 'closed', v_closed, 'row', jsonb_build_object(
        'id', v_row.id, 'attempt', v_row.attempts + 1, 'uncertain', v_row.state <> 'queued',
        'phone_number_id', v_row.phone_number_id,
        'body', v_row.body, 'reply_to', v_row.reply_to, 'user_id', v_row.user_id, 'created_at', v_row.created_at,
        'identities', (SELECT jsonb_agg(jsonb_build_object('kind', i.kind, 'sealed', encode(i.sealed, 'hex'))
                                        ORDER BY i.created_at DESC)
                       FROM user_identities i WHERE i.tenant = v_tenant AND i.user_id = v_row.user_id)));
END
$$;

-- Puts what is to be sent in place of a voice note that was still to be spoken: a sound, or its text where it
-- could not be spoken. A row that was taken up meanwhile is left alone.
-- p: {"tenant", "lane", "fence", "id", "body"} -> {"status": "ready" | "gone" | "fenced"}
CREATE FUNCTION speak_outbox(p jsonb) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('munshi.tenant', p->>'tenant', true);
    PERFORM pg_advisory_xact_lock_shared(lane_lock_key(p->>'lane'));
    PERFORM FROM lanes l WHERE l.lane = p->>'lane' AND l.fence = (p->>'fence')::bigint;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('status', 'fenced');
    END IF;
    UPDATE outbox o SET body = p->'body'
        WHERE o.tenant = p->>'tenant' AND o.id = (p->>'id')::bigint AND o.state = 'queued'
          AND o.body->>'type' = 'voice';
    RETURN jsonb_build_object('status', CASE WHEN FOUND THEN 'ready' ELSE 'gone' END);
END
$$;

REVOKE EXECUTE ON FUNCTION announce, speak_outbox FROM PUBLIC;
GRANT EXECUTE ON FUNCTION announce, speak_outbox TO munshi_services;
