-- Times that were noted before the server's clock was set back lie ahead of it, and would hold up what waits
-- for them until the clock is there again. Each is cut to the most that it can be from now; where the time of
-- noting is known, it is moved by just as much as the clock was. What is cut is written: else it would be
-- found as far ahead at the next look.

ALTER TABLE numbers ADD COLUMN IF NOT EXISTS reserved_at timestamptz;
COMMENT ON COLUMN numbers.reserved_at IS 'When tat was noted: ahead of the clock, the clock was set back by so much.';

-- Renews a worker's lease and tells who is alive and who owns what.
-- -> {"workers": [name], "lanes": [{"lane", "partition", "worker", "fence", "free"}]}
-- `free`: nobody's, or its worker is no longer alive. Lanes that were never taken are not listed.
-- A lease of another that lasts longer than any is counted from now. Who is just renewing it is left alone:
-- two that cut each other's would wait for each other.
CREATE OR REPLACE FUNCTION heartbeat(p_cell text, p_worker text, p_ttl interval) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO workers AS w (cell, worker, expires_at) VALUES (p_cell, p_worker, clock_timestamp() + p_ttl)
        ON CONFLICT (cell, worker) DO UPDATE SET expires_at = excluded.expires_at;
    UPDATE workers w SET expires_at = clock_timestamp() + p_ttl
        WHERE w.cell = p_cell AND w.worker IN (
            SELECT x.worker FROM workers x
            WHERE x.cell = p_cell AND x.expires_at > clock_timestamp() + 2 * p_ttl FOR UPDATE SKIP LOCKED);
    DELETE FROM workers w WHERE w.cell = p_cell AND w.expires_at < clock_timestamp() - interval '1 hour';
    RETURN jsonb_build_object(
        'workers', (SELECT coalesce(jsonb_agg(w.worker ORDER BY w.worker), '[]') FROM workers w
                    WHERE w.cell = p_cell AND w.expires_at > clock_timestamp()),
        'lanes', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                      'lane', l.lane, 'partition', l.partition, 'worker', l.worker, 'fence', l.fence,
                      'free', NOT lane_is_held(l.cell, l.worker)) ORDER BY l.partition), '[]')
                  FROM lanes l WHERE l.cell = p_cell));
END
$$;

-- GCRA: takes one slot of the pair limit. -> NULL, or when the next slot is free.
-- p_pair: {"pair_interval": seconds, "pair_burst": n}
-- A bucket owes at most its burst.
CREATE OR REPLACE FUNCTION take_pair(p_tenant text, p_conversation bigint, p_pair jsonb, p_now timestamptz)
    RETURNS timestamptz
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_interval interval := make_interval(secs => (p_pair->>'pair_interval')::float8);
    v_most timestamptz := p_now + v_interval * (p_pair->>'pair_burst')::integer;
    v_tat timestamptz;
    v_free timestamptz;
BEGIN
    SELECT greatest(c.pair_tat, p_now) INTO v_tat FROM conversations c
        WHERE c.tenant = p_tenant AND c.id = p_conversation FOR NO KEY UPDATE;
    IF v_tat > v_most THEN
        v_tat := v_most;
        UPDATE conversations c SET pair_tat = v_tat WHERE c.tenant = p_tenant AND c.id = p_conversation;
    END IF;
    v_free := v_tat - v_interval * ((p_pair->>'pair_burst')::integer - 1);
    IF v_free > p_now THEN
        RETURN v_free;
    END IF;
    UPDATE conversations c SET pair_tat = v_tat + v_interval WHERE c.tenant = p_tenant AND c.id = p_conversation;
    RETURN NULL;
END
$$;

-- A pause until a time is over where it was noted after now: it is tried again, which tells. Servers' clocks
-- move by less than a second on their own.
CREATE OR REPLACE FUNCTION number_is_paused(p_tenant text, p_number text, p_now timestamptz) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM numbers n WHERE n.tenant = p_tenant AND n.phone_number_id = p_number
                     AND n.paused_reason IS NOT NULL
                     AND (n.paused_until IS NULL
                          OR (n.paused_until > p_now AND n.paused_at <= p_now + interval '1 second')))
$$;

-- Why the first row of a conversation cannot be sent now, and until when; both NULL where it can.
-- A row that another owner was sending is marked `unsettled`: whether it left, only its status tells. It is
-- free again `p_settle_after` later, when Meta would long have said so.
CREATE OR REPLACE FUNCTION outbox_wait(p_row outbox, p_lane text, p_fence bigint, p_settle_after interval,
                                       p_now timestamptz, OUT o_reason text, OUT o_until timestamptz)
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
    p_row := outbox_in_time(p_row, p_now);
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

-- The row with its times moved back by as much as the clock was set back since its last attempt, as written.
-- A back-off of a day at most is kept: longer ones nobody asks for, and the window is closed then anyway.
CREATE OR REPLACE FUNCTION outbox_in_time(p_row outbox, p_now timestamptz) RETURNS outbox
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_back interval := greatest(p_row.sending_at - p_now, interval '0');
BEGIN
    IF greatest(p_row.sending_at, p_row.unsettled_at, p_row.next_attempt_at - interval '1 day') > p_now THEN
        UPDATE outbox o
            SET sending_at = least(o.sending_at, p_now), unsettled_at = least(o.unsettled_at, p_now),
                next_attempt_at = least(o.next_attempt_at - coalesce(v_back, interval '0'), p_now + interval '1 day')
            WHERE o.tenant = p_row.tenant AND o.id = p_row.id
            RETURNING * INTO p_row;
    END IF;
    RETURN p_row;
END
$$;

-- What became of sends; a batch of any of the cell's tenants.
-- p: [{"tenant", "id", "attempt", "fence", "result", "wamid", "retry_in", "error_code", "error_detail", "reason",
--      "opt_out": bool}]
--   result: `sent` (with wamid), `retry` (surely not accepted; again `retry_in` seconds from now), `unsettled`
--   (the answer was lost), `failed` (given up), `dead` (given up, and a dead letter of this `reason` is written)
-- -> [{"id", "state"}] in the order given; state null: the row has moved on (its status or a later attempt
--    was quicker) and nothing was written.
-- Bound to the attempt and its fence, not to the lane: what the old owner of a lane knows about its own send
-- is true all the same, and saves a doubled message. Programs of before 0004 give `retry_at`, by their clock.
CREATE OR REPLACE FUNCTION settle_outbox(p jsonb) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    r record;
    v_state text;
    v_states jsonb[] := array_fill(NULL::jsonb, ARRAY[jsonb_array_length(p)]);
BEGIN
    FOR r IN
        SELECT x.*, s.n FROM jsonb_array_elements(p) WITH ORDINALITY AS s (o, n),
            jsonb_to_record(s.o) AS x (
                tenant text, id bigint, attempt integer, fence bigint, result text, wamid text, retry_in float8,
                retry_at timestamptz, error_code integer, error_detail text, reason text, opt_out boolean)
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
                next_attempt_at = coalesce(clock_timestamp() + make_interval(secs => r.retry_in), r.retry_at),
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

-- Reserves `p_n` sends of a number's throughput (GCRA without burst; the caller spaces the block itself).
-- -> when the first may leave
CREATE OR REPLACE FUNCTION reserve_number(p_tenant text, p_number text, p_n integer, p_rate float8)
    RETURNS timestamptz
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_block interval := make_interval(secs => p_n / p_rate);
    v_end timestamptz;
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    INSERT INTO numbers AS n (tenant, phone_number_id, tat, reserved_at)
        VALUES (p_tenant, p_number, clock_timestamp() + v_block, clock_timestamp())
        ON CONFLICT (tenant, phone_number_id)
        DO UPDATE SET tat = greatest(n.tat - greatest(n.reserved_at - clock_timestamp(), interval '0'),
                                     clock_timestamp()) + v_block,
                      reserved_at = clock_timestamp()
        RETURNING n.tat INTO v_end;
    RETURN v_end - v_block;
END
$$;

-- Stops a number's sending: `credentials`, `policy`, … Until a time, or until it is resumed. p_since: when the
-- send began that gives the reason; a number that was resumed after that is left alone, since the reason is
-- of before (an expired token that was renewed meanwhile).
CREATE OR REPLACE FUNCTION pause_number(p_tenant text, p_number text, p_reason text, p_until timestamptz,
                                        p_since timestamptz DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    INSERT INTO numbers AS n (tenant, phone_number_id, paused_reason, paused_at, paused_until)
        VALUES (p_tenant, p_number, p_reason, clock_timestamp(), p_until)
        ON CONFLICT (tenant, phone_number_id)
        DO UPDATE SET paused_reason = p_reason, paused_until = p_until,
                      paused_at = least(n.paused_at, excluded.paused_at)
        WHERE p_since IS NULL OR n.resumed_at IS NULL OR n.resumed_at < p_since
           OR n.resumed_at > clock_timestamp();
END
$$;

REVOKE EXECUTE ON FUNCTION outbox_in_time FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox_in_time TO munshi_services;
