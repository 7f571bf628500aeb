-- One turn: load_turn() reads all that it needs, commit_turn() writes all that it came to.
-- Each is one round trip. JSON in and out; times are ISO 8601, bytes are hex.

-- p: {"tenant", "phone_number_id", "identities": [{"kind", "hash"}], "message_ids": [id]}
-- -> {"conversation": {…}|null, "user": {…}|null, "unlinked": [{"kind", "hash"}], "merge": bool,
--     "seen": [message id], "transactions_this_month": int, "customers": [{"id", "name", "aliases"}]|null}
-- `customers`: all names of the person's books where they are few, since most turns need them; null: ask for
-- them by read_customers().
-- `merge`: the identities name several users; link_person() first, then load again.
CREATE FUNCTION load_turn(p jsonb) RETURNS jsonb
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
        SELECT jsonb_build_object('id', u.id, 'name', u.name, 'language', u.language, 'plan', u.plan)
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

-- Which of these message ids are marked as dealt with.
CREATE FUNCTION seen_messages(p_tenant text, p_ids jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(i.id), '[]') FROM jsonb_array_elements_text(p_ids) AS i (id)
            WHERE (SELECT true FROM inbound_messages m WHERE m.tenant = p_tenant AND m.message_id = i.id));
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
CREATE FUNCTION commit_turn(p jsonb) RETURNS jsonb
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
        PERFORM apply_effects(p, v_zone, v_place.o_user, v_place.o_conversation);
    END IF;
    RETURN jsonb_build_object('status', 'committed', 'conversation_id', v_place.o_conversation,
                              'user_id', v_place.o_user, 'version', v_version, 'outbox', v_outbox);
END
$$;

-- Where the turn belongs: its conversation, locked, and its user; both made on the first turn. o_conflict
-- says why not: `version`, `person` or `merge`.
CREATE FUNCTION turn_place(p jsonb, OUT o_conversation bigint, OUT o_user bigint, OUT o_conflict text,
                           OUT o_pair_tat timestamptz, OUT o_window timestamptz, OUT o_opted_out boolean)
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_tenant text := p->>'tenant';
    v_linked integer;
BEGIN
    o_opted_out := false;
    IF p->>'conversation_id' IS NULL THEN
        IF find_person(v_tenant, p->'identities') IS DISTINCT FROM NULL THEN
            -- known on another number, or made since the turn was loaded
            PERFORM FROM conversations c WHERE c.tenant = v_tenant AND c.phone_number_id = p->>'phone_number_id'
                AND c.user_id = find_person(v_tenant, p->'identities');
            IF FOUND THEN
                o_conflict := 'version';
                RETURN;
            END IF;
        END IF;
        o_user := ensure_person(v_tenant, p->'identities', p->>'person_name');
        IF o_user = -1 THEN
            o_conflict := 'merge';
            RETURN;
        END IF;
        INSERT INTO conversations (tenant, phone_number_id, user_id, version)
            VALUES (v_tenant, p->>'phone_number_id', o_user, 0)
            ON CONFLICT (tenant, user_id, phone_number_id) DO NOTHING RETURNING id INTO o_conversation;
        IF o_conversation IS NULL THEN
            o_conflict := 'version';
        END IF;
        RETURN;
    END IF;

    SELECT c.id, c.user_id, c.pair_tat, c.window_expires_at, c.opted_out_at IS NOT NULL
        INTO o_conversation, o_user, o_pair_tat, o_window, o_opted_out FROM conversations c
        WHERE c.tenant = v_tenant AND c.id = (p->>'conversation_id')::bigint
          AND c.version = (p->>'version')::bigint FOR NO KEY UPDATE;
    IF o_conversation IS NULL THEN
        o_conflict := 'version';
        RETURN;
    END IF;
    SELECT count(*) FILTER (WHERE f.user_id = o_user),
           CASE WHEN count(*) FILTER (WHERE f.user_id <> o_user) > 0 THEN 'merge' END
        INTO v_linked, o_conflict
        FROM (SELECT (SELECT u.user_id FROM user_identities u WHERE u.tenant = v_tenant AND u.kind = i.kind
                      AND u.hash = decode(i.hash, 'hex')) AS user_id
              FROM jsonb_to_recordset(p->'identities') AS i (kind text, hash text)) f;
    IF o_conflict IS NULL AND v_linked < jsonb_array_length(p->'identities') THEN
        IF v_linked = 0 THEN
            o_conflict := 'person';
        ELSIF ensure_person(v_tenant, p->'identities', NULL) <> o_user THEN
            o_conflict := 'merge';
        END IF;
    END IF;
END
$$;

-- Keeps a person's name and language as last seen; writes only when they changed, which is rare.
CREATE FUNCTION note_person(p jsonb, p_user bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE users u
        SET name = coalesce(p->>'person_name', u.name),
            language = coalesce(nullif(p->'language', 'null'), u.language)
        WHERE u.tenant = p->>'tenant' AND u.id = p_user
          AND (u.name IS DISTINCT FROM coalesce(p->>'person_name', u.name)
               OR u.language->>'tag' IS DISTINCT FROM coalesce(p->'language'->>'tag', u.language->>'tag')
               OR u.language->>'script' IS DISTINCT FROM coalesce(p->'language'->>'script', u.language->>'script'));
END
$$;

-- Whether the first reply of a turn may be taken for sending in the commit itself: asked for by `claim`, and
-- nothing forbids it: no earlier row waits, the window is open, the person wants messages, the number is not
-- paused, the pair limit has room. -> the pair's next theoretical arrival time; NULL: not at once
CREATE FUNCTION claim_at_once(p jsonb, p_conversation bigint, p_pair_tat timestamptz, p_opted_out boolean,
                              p_window timestamptz, p_now timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_tenant text := p->>'tenant';
    v_first jsonb := p->'outbox'->0;
    v_interval interval := make_interval(secs => (p->'claim'->>'pair_interval')::float8);
    v_tat timestamptz := greatest(p_pair_tat, p_now);
BEGIN
    IF coalesce(p->'claim', 'null') = 'null'
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

-- Queues the replies of a turn in their order; the first as `sending` where it is claimed at once.
-- -> [{"id", "claimed"}]
CREATE FUNCTION queue_replies(p jsonb, p_conversation bigint, p_user bigint, p_claim boolean, p_now timestamptz)
    RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_rows jsonb;
BEGIN
    WITH queued AS (
        INSERT INTO outbox (tenant, conversation_id, user_id, phone_number_id, lane, reply_to, body, past_opt_out,
                            state, attempts, sending_at, fence)
            SELECT p->>'tenant', p_conversation, p_user, p->>'phone_number_id', p->>'lane', r.o->>'reply_to',
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
