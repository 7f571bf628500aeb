-- What failed for good, kept for a person.

-- Counts one more failed try of a message. -> how many there were
CREATE FUNCTION note_attempt(p_tenant text, p_message_id text, p_error text) RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_attempts integer;
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    INSERT INTO turn_attempts AS a (tenant, message_id, attempts, last_error) VALUES (p_tenant, p_message_id, 1, p_error)
        ON CONFLICT (tenant, message_id)
        DO UPDATE SET attempts = a.attempts + 1, last_error = excluded.last_error, updated_at = clock_timestamp()
        RETURNING a.attempts INTO v_attempts;
    RETURN v_attempts;
END
$$;

-- Keeps a dead letter; the same one (source and key) is kept once, and opened again if it was closed.
-- Where `mark` is given, the message is also marked as dealt with, so that a repeat of it is a duplicate;
-- where `lane` and `fence` are, only the lane's owner may.
-- p: {"tenant", "source", "key", "reason", "detail", "payload", "message_id", "mark": {"type", "sent_at",
--     "received_at"}, "lane", "fence"} -> {"status": "kept", "id"} or {"status": "fenced"}
CREATE FUNCTION bury(p jsonb) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_tenant text := p->>'tenant';
    v_id bigint;
BEGIN
    PERFORM set_config('munshi.tenant', v_tenant, true);
    IF p->>'lane' IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock_shared(lane_lock_key(p->>'lane'));
        PERFORM FROM lanes l WHERE l.lane = p->>'lane' AND l.fence = (p->>'fence')::bigint;
        IF NOT FOUND THEN
            RETURN jsonb_build_object('status', 'fenced');
        END IF;
    END IF;
    IF coalesce(p->'mark', 'null') <> 'null' THEN
        INSERT INTO inbound_messages (tenant, message_id, type, disposition, sent_at, received_at)
            VALUES (v_tenant, p->>'message_id', p->'mark'->>'type', 'dead', (p->'mark'->>'sent_at')::timestamptz,
                    (p->'mark'->>'received_at')::timestamptz)
            ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO dead_letters AS d (tenant, source, key, reason, detail, payload, message_id)
        VALUES (v_tenant, p->>'source', p->>'key', p->>'reason', coalesce(p->>'detail', ''), p->'payload',
                p->>'message_id')
        ON CONFLICT (tenant, source, key) DO UPDATE
            SET reason = excluded.reason, detail = excluded.detail, replayed_at = NULL, dropped_at = NULL
        RETURNING d.id INTO v_id;
    RETURN jsonb_build_object('status', 'kept', 'id', v_id);
END
$$;

-- For the operator's hand (munshi_admin): takes a letter up again. Marks it as replayed and makes way for it:
-- of a turn the mark of its message goes, of a send the row is queued again.
-- -> {"tenant", "id", "source", "reason", "payload", "message_id", "requeued": bool}, null where none is open
CREATE FUNCTION replay_dead_letter(p_tenant text, p_id bigint) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_letter dead_letters%ROWTYPE;
    v_requeued boolean := false;
BEGIN
    UPDATE dead_letters d SET replayed_at = clock_timestamp()
        WHERE d.tenant = p_tenant AND d.id = p_id AND d.replayed_at IS NULL AND d.dropped_at IS NULL
        RETURNING * INTO v_letter;
    IF v_letter.id IS NULL THEN
        RETURN NULL;
    END IF;
    IF v_letter.source = 'turn' THEN
        DELETE FROM inbound_messages m
            WHERE m.tenant = p_tenant AND m.message_id = v_letter.message_id AND m.disposition = 'dead';
        DELETE FROM turn_attempts a WHERE a.tenant = p_tenant AND a.message_id = v_letter.message_id;
    ELSIF v_letter.source = 'send' THEN
        UPDATE outbox o SET state = 'queued', attempts = o.attempts + 1, next_attempt_at = NULL, error_code = NULL,
                            error_detail = NULL, failed_at = NULL, unsettled_at = NULL
            WHERE o.tenant = p_tenant AND o.id = v_letter.key::bigint AND o.state = 'dead';
        v_requeued := FOUND;
    END IF;
    RETURN jsonb_build_object('tenant', p_tenant, 'id', p_id, 'source', v_letter.source, 'reason', v_letter.reason,
                              'payload', v_letter.payload, 'message_id', v_letter.message_id, 'requeued', v_requeued);
END
$$;
