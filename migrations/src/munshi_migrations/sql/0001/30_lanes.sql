-- Leases of lanes. A lane is one partition of a cell's event stream and has one owner at a time.
-- Whoever writes for a lane holds its advisory lock shared and finds its own fence; whoever takes the lane
-- holds the lock exclusively, so it waits for writers of the old fence and no later one gets through.
-- A row lock would do the same, but a shared one writes the row.

CREATE FUNCTION lane_lock_key(p_lane text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended('munshi.lane:' || p_lane, 0);

-- Renews a worker's lease and tells who is alive and who owns what.
-- -> {"workers": [name], "lanes": [{"lane", "partition", "worker", "fence", "free"}]}
-- `free`: nobody's, or its worker is no longer alive. Lanes that were never taken are not listed.
CREATE FUNCTION heartbeat(p_cell text, p_worker text, p_ttl interval) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO workers AS w (cell, worker, expires_at) VALUES (p_cell, p_worker, clock_timestamp() + p_ttl)
        ON CONFLICT (cell, worker) DO UPDATE SET expires_at = excluded.expires_at;
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

CREATE FUNCTION lane_is_held(p_cell text, p_worker text) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
    RETURN EXISTS (SELECT FROM workers w
                   WHERE w.cell = p_cell AND w.worker = p_worker AND w.expires_at > clock_timestamp());

-- Takes a lane that is free (or this worker's own, after a restart under the same name).
-- -> {"taken": true, "fence", "clean"} or {"taken": false, "worker"}
CREATE FUNCTION take_lane(p_cell text, p_lane text, p_partition integer, p_worker text) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_lane lanes%ROWTYPE;
BEGIN
    PERFORM pg_advisory_xact_lock(lane_lock_key(p_lane));
    INSERT INTO lanes (lane, cell, partition) VALUES (p_lane, p_cell, p_partition) ON CONFLICT (lane) DO NOTHING;
    SELECT * INTO STRICT v_lane FROM lanes l WHERE l.lane = p_lane FOR UPDATE;
    IF v_lane.worker <> p_worker AND lane_is_held(p_cell, v_lane.worker) THEN
        RETURN jsonb_build_object('taken', false, 'worker', v_lane.worker);
    END IF;
    UPDATE lanes l SET fence = l.fence + 1, worker = p_worker, clean = false, taken_at = clock_timestamp()
        WHERE l.lane = p_lane RETURNING l.fence INTO v_lane.fence;
    RETURN jsonb_build_object('taken', true, 'fence', v_lane.fence, 'clean', v_lane.clean);
END
$$;

-- Gives a lane back. `p_clean`: nothing of it is in flight. The fence goes up, so that a commit that is
-- still under way somewhere in the old owner is refused. -> true, or false where it was no longer held.
CREATE FUNCTION release_lane(p_lane text, p_fence bigint, p_clean boolean) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(lane_lock_key(p_lane));
    UPDATE lanes l SET fence = l.fence + 1, worker = NULL, clean = p_clean
        WHERE l.lane = p_lane AND l.fence = p_fence;
    RETURN FOUND;
END
$$;

-- A worker leaves for good: its lease ends now and not when it runs out.
CREATE FUNCTION leave(p_cell text, p_worker text) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    DELETE FROM workers w WHERE w.cell = p_cell AND w.worker = p_worker
$$;

-- What is left to send in a lane, of all tenants: names of conversations, nothing of their content.
-- Rows that an older owner was sending become `unsettled`: they wait for their status.
-- Runs as the owner, since a lane is not one tenant's; so it checks for itself that the caller's is the cell.
-- -> {"status": "ok", "conversations": [{"tenant", "conversation_id"}]} or {"status": "fenced"}
CREATE FUNCTION pending_outbox(p_lane text, p_fence bigint) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(lane_lock_key(p_lane));
    PERFORM FROM lanes l JOIN cells c USING (cell)
        WHERE l.lane = p_lane AND l.fence = p_fence AND c.role_name = session_user;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('status', 'fenced');
    END IF;
    UPDATE outbox o SET state = 'unsettled', unsettled_at = clock_timestamp()
        FROM tenants t
        WHERE o.lane = p_lane AND o.state = 'sending' AND o.fence <> p_fence
          AND t.tenant = o.tenant AND t.role_name = session_user;
    RETURN jsonb_build_object('status', 'ok', 'conversations', (
        SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object(
                   'tenant', o.tenant, 'conversation_id', o.conversation_id)), '[]')
        FROM outbox o JOIN tenants t ON t.tenant = o.tenant AND t.role_name = session_user
        WHERE o.lane = p_lane AND o.state IN ('queued', 'sending', 'unsettled')));
END
$$;
