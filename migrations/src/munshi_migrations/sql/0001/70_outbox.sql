-- Sending: claim_outbox() takes the next row of one conversation, settle_outbox() says what became of sends,
-- apply_statuses() what Meta says of them. States only go forwards:
--   queued -> sending -> sent -> delivered -> read, with unsettled where the answer to a send was lost,
--   failed (given up) and dead (given up, and kept for a person to look at).

-- GCRA: takes one slot of the pair limit. -> NULL, or when the next slot is free.
-- p_pair: {"pair_interval": seconds, "pair_burst": n}
CREATE FUNCTION take_pair(p_tenant text, p_conversation bigint, p_pair jsonb, p_now timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_interval interval := make_interval(secs => (p_pair->>'pair_interval')::float8);
    v_tat timestamptz;
    v_free timestamptz;
BEGIN
    SELECT greatest(c.pair_tat, p_now) INTO v_tat FROM conversations c
        WHERE c.tenant = p_tenant AND c.id = p_conversation FOR NO KEY UPDATE;
    v_free := v_tat - v_interval * ((p_pair->>'pair_burst')::integer - 1);
    IF v_free > p_now THEN
        RETURN v_free;
    END IF;
    UPDATE conversations c SET pair_tat = v_tat + v_interval WHERE c.tenant = p_tenant AND c.id = p_conversation;
    RETURN NULL;
END
$$;

CREATE FUNCTION number_is_paused(p_tenant text, p_number text, p_now timestamptz) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM numbers n WHERE n.tenant = p_tenant AND n.phone_number_id = p_number
                     AND n.paused_reason IS NOT NULL AND (n.paused_until IS NULL OR n.paused_until > p_now))
$$;

-- The next row of a conversation, as `sending`. Strictly in order: a row waits for every earlier one to be
-- sent or given up. Window and opt-out are looked at here and not when the row was queued.
-- p: {"tenant", "lane", "fence", "conversation_id", "pair_interval", "pair_burst", "settle_after": seconds}
-- -> {"status": "claimed", "closed", "row": {"id", "attempt", "phone_number_id", "body", "reply_to", "user_id",
--                                            "created_at", "identities": [{"kind", "sealed"}]}}
--    {"status": "wait", "closed", "reason", "until"}  reason: `in_flight`, `unsettled`, `back_off`, `pair`,
--                                   `paused`; until is null where only an event ends the wait
--    {"status": "empty", "closed"}  nothing is left
--    {"status": "fenced"}           the lane has another owner
-- `closed`: rows given up on the way, [{"id", "reason": "window" or "opt_out"}].
CREATE FUNCTION claim_outbox(p jsonb) RETURNS jsonb
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
    v_wait.o_until := take_pair(v_tenant, v_talk.id, p, v_now);
    IF v_wait.o_until IS NOT NULL THEN
        RETURN jsonb_build_object('status', 'wait', 'closed', v_closed, 'reason', 'pair', 'until', v_wait.o_until);
    END IF;
    UPDATE outbox o SET state = 'sending', attempts = o.attempts + 1, sending_at = v_now, unsettled_at = NULL,
                        next_attempt_at = NULL, lane = v_lane, fence = v_fence
        WHERE o.tenant = v_tenant AND o.id = v_row.id;
    RETURN jsonb_build_object('status', 'claimed', 'closed', v_closed, 'row', jsonb_build_object(
        'id', v_row.id, 'attempt', v_row.attempts + 1, 'phone_number_id', v_row.phone_number_id,
        'body', v_row.body, 'reply_to', v_row.reply_to, 'user_id', v_row.user_id, 'created_at', v_row.created_at,
        'identities', (SELECT jsonb_agg(jsonb_build_object('kind', i.kind, 'sealed', encode(i.sealed, 'hex'))
                                        ORDER BY i.created_at DESC)
                       FROM user_identities i WHERE i.tenant = v_tenant AND i.user_id = v_row.user_id)));
END
$$;

-- Why the first row of a conversation cannot be sent now, and until when; both NULL where it can.
-- A row that another owner was sending is marked `unsettled`: whether it left, only its status tells. It is
-- free again `p_settle_after` later, when Meta would long have said so.
CREATE FUNCTION outbox_wait(p_row outbox, p_lane text, p_fence bigint, p_settle_after interval, p_now timestamptz,
                            OUT o_reason text, OUT o_until timestamptz)
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF p_row.state = 'sending' THEN
        IF p_row.lane = p_lane AND p_row.fence = p_fence THEN
            o_reason := 'in_flight';
            RETURN;
        END IF;
        PERFORM FROM lanes l WHERE l.lane = p_row.lane AND l.fence = p_row.fence AND l.lane <> p_lane;
        IF FOUND THEN
            -- the owner of another lane sends it, after a merge; nobody tells us when it is done
            o_reason := 'in_flight';
            o_until := p_now + interval '1 second';
            RETURN;
        END IF;
        UPDATE outbox o SET state = 'unsettled', unsettled_at = p_now
            WHERE o.tenant = p_row.tenant AND o.id = p_row.id;
        p_row.state := 'unsettled';
        p_row.unsettled_at := p_now;
    END IF;
    IF p_row.state = 'unsettled' AND p_row.unsettled_at + p_settle_after > p_now THEN
        o_reason := 'unsettled';
        o_until := p_row.unsettled_at + p_settle_after;
    ELSIF p_row.next_attempt_at > p_now THEN
        o_reason := 'back_off';
        o_until := p_row.next_attempt_at;
    ELSIF number_is_paused(p_row.tenant, p_row.phone_number_id, p_now) THEN
        o_reason := 'paused';
        SELECT n.paused_until INTO o_until FROM numbers n
            WHERE n.tenant = p_row.tenant AND n.phone_number_id = p_row.phone_number_id;
    END IF;
END
$$;

-- What became of sends; a batch of any of the cell's tenants.
-- p: [{"tenant", "id", "attempt", "fence", "result", "wamid", "retry_at", "error_code", "error_detail", "reason",
--      "opt_out": bool}]
--   result: `sent` (with wamid), `retry` (surely not accepted; again at retry_at), `unsettled` (the answer was
--   lost), `failed` (given up), `dead` (given up, and a dead letter of this `reason` is written)
-- -> [{"id", "state"}] in the order given; state null: the row has moved on (its status or a later attempt
--    was quicker) and nothing was written.
-- Bound to the attempt and its fence, not to the lane: what the old owner of a lane knows about its own send
-- is true all the same, and saves a doubled message.
CREATE FUNCTION settle_outbox(p jsonb) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    r record;
    v_state text;
    v_states jsonb[] := array_fill(NULL::jsonb, ARRAY[jsonb_array_length(p)]);
BEGIN
    FOR r IN
        SELECT x.*, s.n FROM jsonb_array_elements(p) WITH ORDINALITY AS s (o, n),
            jsonb_to_record(s.o) AS x (
                tenant text, id bigint, attempt integer, fence bigint, result text, wamid text, retry_at timestamptz,
                error_code integer, error_detail text, reason text, opt_out boolean)
            ORDER BY x.tenant, x.id
    LOOP
        PERFORM set_config('munshi.tenant', r.tenant, true);
        PERFORM pg_advisory_xact_lock_shared(people_lock_key(r.tenant));
        IF r.opt_out THEN
            PERFORM opt_out(r.tenant, r.id);
        END IF;
        UPDATE outbox o
            SET state = CASE r.result WHEN 'retry' THEN 'queued' ELSE r.result END,
                wamid = coalesce(o.wamid, r.wamid),
                next_attempt_at = r.retry_at,
                error_code = r.error_code,
                error_detail = r.error_detail,
                sent_at = CASE WHEN r.result = 'sent' THEN coalesce(o.sent_at, clock_timestamp()) ELSE o.sent_at END,
                failed_at = CASE WHEN r.result IN ('failed', 'dead') THEN clock_timestamp() END,
                unsettled_at = CASE WHEN r.result = 'unsettled' THEN clock_timestamp() END
            WHERE o.tenant = r.tenant AND o.id = r.id AND o.attempts = r.attempt AND o.fence = r.fence
              AND o.state IN ('sending', 'unsettled', 'queued') AND o.wamid IS NULL
            RETURNING o.state INTO v_state;
        IF v_state = 'dead' THEN
            PERFORM bury_send(r.tenant, r.id, r.reason, r.error_detail);
        END IF;
        v_states[r.n] := jsonb_build_object('id', r.id, 'state', v_state);
    END LOOP;
    RETURN to_jsonb(v_states);
END
$$;

CREATE FUNCTION bury_send(p_tenant text, p_id bigint, p_reason text, p_detail text) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO dead_letters AS d (tenant, source, key, reason, detail, payload, message_id)
        SELECT o.tenant, 'send', o.id::text, coalesce(p_reason, 'send_failed'), coalesce(p_detail, ''),
               jsonb_build_object('outbox_id', o.id, 'conversation_id', o.conversation_id, 'body', o.body), o.reply_to
        FROM outbox o WHERE o.tenant = p_tenant AND o.id = p_id
        ON CONFLICT (tenant, source, key) DO UPDATE
            SET reason = excluded.reason, detail = excluded.detail, created_at = now(),
                replayed_at = NULL, dropped_at = NULL
$$;

-- The person of this row wants no more messages.
CREATE FUNCTION opt_out(p_tenant text, p_outbox bigint) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE conversations c SET opted_out_at = coalesce(c.opted_out_at, clock_timestamp())
        WHERE c.tenant = p_tenant AND c.id = (
            SELECT o.conversation_id FROM outbox o WHERE o.tenant = p_tenant AND o.id = p_outbox)
$$;

-- How far a state is; a status moves a row only to a higher one, so that any order of arrival ends alike.
CREATE FUNCTION outbox_rank(p_state text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE p_state WHEN 'queued' THEN 0 WHEN 'sending' THEN 1 WHEN 'unsettled' THEN 2 WHEN 'sent' THEN 3
                        WHEN 'failed' THEN 4 WHEN 'dead' THEN 4 WHEN 'delivered' THEN 5 WHEN 'read' THEN 6 END;

-- What Meta says of messages that we sent; a batch of any of the cell's tenants. May come twice, late and in
-- any order. Settles rows whose answer was lost: `id` is the callback data, known before the wamid is.
-- p: [{"tenant", "id", "wamid", "status": sent|delivered|read|played|failed, "at", "error_code", "error_detail",
--      "opt_out": bool, "pricing": {"category", "pricing_model", "type", "billable", "price"}}]
-- -> [{"id", "conversation_id", "state", "moved": bool, "settled": bool}] in the order given, null where no row
--    is known. `settled`: the conversation's next row may be claimed now.
CREATE FUNCTION apply_statuses(p jsonb) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    r record;
    v_rows jsonb[] := array_fill(NULL::jsonb, ARRAY[jsonb_array_length(p)]);
BEGIN
    FOR r IN
        SELECT x.*, s.n FROM jsonb_array_elements(p) WITH ORDINALITY AS s (o, n),
            jsonb_to_record(s.o) AS x (tenant text, id bigint, wamid text, status text, at timestamptz,
                                       error_code integer, error_detail text, opt_out boolean, pricing jsonb)
            ORDER BY x.tenant, x.wamid
    LOOP
        PERFORM set_config('munshi.tenant', r.tenant, true);
        PERFORM pg_advisory_xact_lock_shared(people_lock_key(r.tenant));
        v_rows[r.n] := apply_status(to_jsonb(r));
    END LOOP;
    RETURN to_jsonb(v_rows);
END
$$;

CREATE FUNCTION apply_status(s jsonb) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_tenant text := s->>'tenant';
    v_at timestamptz := coalesce((s->>'at')::timestamptz, clock_timestamp());
    v_to text := CASE s->>'status' WHEN 'played' THEN 'read' ELSE s->>'status' END;
    v_old outbox%ROWTYPE;
    v_moves boolean;
BEGIN
    SELECT * INTO v_old FROM outbox o WHERE o.tenant = v_tenant AND o.wamid = s->>'wamid';
    IF NOT FOUND THEN
        SELECT * INTO v_old FROM outbox o WHERE o.tenant = v_tenant AND o.id = (s->>'id')::bigint;
    END IF;
    IF coalesce(s->'pricing', 'null') <> 'null' THEN
        PERFORM book_cost(s, v_old.id, v_at);
    END IF;
    IF v_old.id IS NULL OR v_to NOT IN ('sent', 'delivered', 'read', 'failed') THEN
        RETURN NULL;
    END IF;
    IF (s->>'opt_out')::boolean THEN
        PERFORM opt_out(v_tenant, v_old.id);
    END IF;
    SELECT * INTO v_old FROM outbox o WHERE o.tenant = v_tenant AND o.id = v_old.id FOR NO KEY UPDATE;
    v_moves := outbox_rank(v_to) > outbox_rank(v_old.state);
    UPDATE outbox o
        SET state = CASE WHEN v_moves THEN v_to ELSE o.state END,
            wamid = coalesce(o.wamid, s->>'wamid'),
            sent_at = CASE WHEN v_to = 'sent' THEN coalesce(o.sent_at, v_at) ELSE o.sent_at END,
            delivered_at = CASE WHEN v_to = 'delivered' THEN coalesce(o.delivered_at, v_at) ELSE o.delivered_at END,
            read_at = CASE WHEN v_to = 'read' THEN coalesce(o.read_at, v_at) ELSE o.read_at END,
            failed_at = CASE WHEN v_to = 'failed' THEN coalesce(o.failed_at, v_at) ELSE o.failed_at END,
            error_code = CASE WHEN v_to = 'failed' THEN (s->>'error_code')::integer ELSE o.error_code END,
            error_detail = CASE WHEN v_to = 'failed' THEN s->>'error_detail' ELSE o.error_detail END
        WHERE o.tenant = v_tenant AND o.id = v_old.id;
    RETURN jsonb_build_object(
        'id', v_old.id, 'conversation_id', v_old.conversation_id,
        'state', CASE WHEN v_moves THEN v_to ELSE v_old.state END, 'moved', v_moves,
        'settled', v_moves AND v_old.state IN ('queued', 'sending', 'unsettled'));
END
$$;

-- One row a message and category; pricing comes more than once, the later word stands.
CREATE FUNCTION book_cost(s jsonb, p_outbox bigint, p_at timestamptz) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO message_costs AS c (tenant, wamid, category, outbox_id, pricing_model, type, billable, price, at)
        VALUES (s->>'tenant', s->>'wamid', coalesce(s->'pricing'->>'category', 'unknown'), p_outbox,
                s->'pricing'->>'pricing_model', s->'pricing'->>'type', (s->'pricing'->>'billable')::boolean,
                (s->'pricing'->>'price')::numeric, p_at)
        ON CONFLICT (tenant, wamid, category) DO UPDATE
            SET outbox_id = coalesce(c.outbox_id, excluded.outbox_id),
                pricing_model = coalesce(excluded.pricing_model, c.pricing_model),
                type = coalesce(excluded.type, c.type), billable = coalesce(excluded.billable, c.billable),
                price = coalesce(excluded.price, c.price)
$$;

-- Reserves `p_n` sends of a number's throughput (GCRA without burst; the caller spaces the block itself).
-- -> when the first may leave
CREATE FUNCTION reserve_number(p_tenant text, p_number text, p_n integer, p_rate float8) RETURNS timestamptz
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_block interval := make_interval(secs => p_n / p_rate);
    v_end timestamptz;
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    INSERT INTO numbers AS n (tenant, phone_number_id, tat) VALUES (p_tenant, p_number, clock_timestamp() + v_block)
        ON CONFLICT (tenant, phone_number_id)
        DO UPDATE SET tat = greatest(n.tat, clock_timestamp()) + v_block
        RETURNING n.tat INTO v_end;
    RETURN v_end - v_block;
END
$$;

-- Stops a number's sending: `credentials`, `policy`, … Until a time, or until it is resumed. p_since: when the
-- send began that gives the reason; a number that was resumed after that is left alone, since the reason is
-- of before (an expired token that was renewed meanwhile).
CREATE FUNCTION pause_number(p_tenant text, p_number text, p_reason text, p_until timestamptz,
                             p_since timestamptz DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    INSERT INTO numbers AS n (tenant, phone_number_id, paused_reason, paused_at, paused_until)
        VALUES (p_tenant, p_number, p_reason, clock_timestamp(), p_until)
        ON CONFLICT (tenant, phone_number_id)
        DO UPDATE SET paused_reason = p_reason, paused_until = p_until,
                      paused_at = coalesce(n.paused_at, excluded.paused_at)
        WHERE p_since IS NULL OR n.resumed_at IS NULL OR n.resumed_at < p_since;
END
$$;

-- Lets numbers of a tenant send again: those that paused for this reason (any where NULL), this one number
-- (all where NULL). -> the numbers that were resumed
CREATE FUNCTION resume_numbers(p_tenant text, p_number text, p_reason text) RETURNS text[]
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_numbers text[];
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    v_numbers := ARRAY(
        SELECT n.phone_number_id FROM numbers n
        WHERE n.tenant = p_tenant AND n.paused_reason IS NOT NULL
          AND (p_number IS NULL OR n.phone_number_id = p_number)
          AND (p_reason IS NULL OR n.paused_reason = p_reason)
        ORDER BY n.phone_number_id FOR UPDATE);
    UPDATE numbers n SET paused_reason = NULL, paused_at = NULL, paused_until = NULL
        WHERE n.tenant = p_tenant AND n.phone_number_id = ANY (v_numbers);
    -- also those that are not paused yet: a pause that is on its way may be of before
    UPDATE numbers n SET resumed_at = clock_timestamp()
        WHERE n.tenant = p_tenant AND (p_number IS NULL OR n.phone_number_id = p_number)
          AND n.paused_reason IS NULL;
    RETURN v_numbers;
END
$$;
