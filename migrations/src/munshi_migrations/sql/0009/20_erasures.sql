-- Files that are deleted before their retention ends: because somebody asks for it, or because their sender has
-- deleted the message for everyone. What stands here of them goes at once; the bytes are the media service's, so
-- a row says which messages it is to be asked for, until it has done it.

CREATE TABLE erasures (
    tenant text NOT NULL,
    message_id text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    PRIMARY KEY (tenant, message_id)
);
CREATE INDEX erasures_age ON erasures (tenant, asked_at);
-- Led by the time, not the tenant: one worker of a cell finds what waits of all its tenants, through
-- take_erasures() only, which gives ids of messages and nothing of their content.
CREATE INDEX erasures_waiting ON erasures (next_try_at) WHERE done_at IS NULL;
COMMENT ON TABLE erasures IS 'Messages whose files are to be deleted, or were: what comes late of one is not kept.';

ALTER TABLE erasures ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON erasures TO munshi_services USING (tenant = (
    SELECT t.tenant FROM tenants t WHERE t.tenant = current_setting('munshi.tenant', true)));
CREATE POLICY platform ON erasures TO munshi_owner, munshi_admin USING (true) WITH CHECK (true);
GRANT SELECT ON erasures TO munshi_services;
GRANT SELECT ON erasures TO munshi_admin;
CREATE TRIGGER purge_erasures AFTER DELETE ON tenants FOR EACH ROW EXECUTE FUNCTION purge_with_tenant('erasures');

ALTER TABLE memory ADD COLUMN message_id text;
COMMENT ON COLUMN memory.message_id IS 'The message whose file the fact came of, if any; it goes with that file.';

-- Keeps a fact of a person under its key. e: {"key", "value", "embedding": [..] or null, "model", "of"}
CREATE OR REPLACE FUNCTION remember(p_tenant text, p_user bigint, e jsonb) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO memory AS m (tenant, user_id, key, value, embedding, model, message_id)
        VALUES (p_tenant, p_user, e->>'key', e->'value', nullif(e->'embedding', 'null')::text::vector, e->>'model',
                e->>'of')
        ON CONFLICT (tenant, user_id, key)
        DO UPDATE SET value = excluded.value, embedding = excluded.embedding, model = excluded.model,
                      message_id = excluded.message_id, updated_at = clock_timestamp()
$$;

-- Whether a message may have a file: one was kept, its type has one, or the message is not known (yet).
CREATE FUNCTION may_have_file(p_tenant text, p_message text) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM attachments a WHERE a.tenant = p_tenant AND a.message_id = p_message)
        OR coalesce((SELECT m.type IN ('audio', 'document', 'image', 'sticker', 'video') FROM inbound_messages m
                     WHERE m.tenant = p_tenant AND m.message_id = p_message), true)
$$;

-- Empties what we wrote in answer to these messages, as far as it was sent, and takes the dead letters of what
-- could not be sent. Of the rows of a conversation, so that an index serves. -> how many answers
CREATE FUNCTION empty_answers(p_tenant text, p_messages text[]) RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_answers bigint[];
    v_n integer;
BEGIN
    v_answers := ARRAY(
        SELECT o.id FROM outbox o
        WHERE o.tenant = p_tenant AND (o.answers && p_messages OR o.reply_to = ANY (p_messages))
          AND o.state IN ('sent', 'delivered', 'read', 'failed', 'dead')
          AND o.conversation_id IN (SELECT m.conversation_id FROM inbound_messages m
                                    WHERE m.tenant = p_tenant AND m.message_id = ANY (p_messages)));
    UPDATE outbox o SET body = NULL
        WHERE o.tenant = p_tenant AND o.id = ANY (v_answers) AND o.body IS NOT NULL;
    GET DIAGNOSTICS v_n = ROW_COUNT;
    DELETE FROM dead_letters d
        WHERE d.tenant = p_tenant AND d.source = 'send' AND d.key = ANY (v_answers::text[]);
    RETURN v_n;
END
$$;

-- Takes out of conversations the questions that are still open about these messages.
CREATE FUNCTION drop_open_questions(p_tenant text, p_messages text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_talk record;
    v_left jsonb;
BEGIN
    FOR v_talk IN
        SELECT c.id, c.state FROM conversations c
        WHERE c.tenant = p_tenant AND (c.state ? 'drafts' OR c.state ? 'unsure')
          AND c.id IN (SELECT m.conversation_id FROM inbound_messages m
                       WHERE m.tenant = p_tenant AND m.message_id = ANY (p_messages))
        FOR UPDATE
    LOOP
        v_left := v_talk.state;
        IF v_left->'unsure'->>'message_id' = ANY (p_messages) THEN
            v_left := v_left - 'unsure';
        END IF;
        IF jsonb_typeof(v_left->'drafts') = 'array' THEN
            v_left := v_left || jsonb_build_object('drafts', (
                SELECT coalesce(jsonb_agg(d ORDER BY n), '[]')
                FROM jsonb_array_elements(v_left->'drafts') WITH ORDINALITY AS drafts (d, n)
                WHERE coalesce(d->>'message_id' <> ALL (p_messages), true)));
        END IF;
        UPDATE conversations c SET state = v_left
            WHERE c.tenant = p_tenant AND c.id = v_talk.id AND c.state <> v_left;
    END LOOP;
END
$$;

-- Forgets the files of messages: what was read of them, the messages' own words, our answers to them, what was
-- learnt from them, dead letters of them; and notes that their bytes are to be deleted. The books stay, and so do
-- the marks, by which a late repeat is told apart. Messages of other people than `p_user` are left alone; NULL:
-- whoever sent them. Runs as the owner, since the services may not delete; so it checks for itself.
-- -> {"messages", "readings", "answers", "facts", "letters"}: how many
CREATE FUNCTION erase_files(p_tenant text, p_user bigint, p_messages text[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_messages text[];
    v_readings integer;
    v_answers integer;
    v_facts integer;
    v_letters integer;
BEGIN
    PERFORM require_own_tenant(p_tenant);
    v_messages := ARRAY(
        SELECT asked.id FROM unnest(p_messages) AS asked (id)
        WHERE may_have_file(p_tenant, asked.id) AND NOT EXISTS (
            SELECT FROM inbound_messages m JOIN conversations c ON c.tenant = m.tenant AND c.id = m.conversation_id
            WHERE m.tenant = p_tenant AND m.message_id = asked.id AND c.user_id <> p_user));
    INSERT INTO erasures AS e (tenant, message_id) SELECT p_tenant, id FROM unnest(v_messages) AS asked (id)
        ON CONFLICT (tenant, message_id)
        DO UPDATE SET asked_at = now(), tries = 0, next_try_at = now(), done_at = NULL;
    DELETE FROM attachments a WHERE a.tenant = p_tenant AND a.message_id = ANY (v_messages);
    GET DIAGNOSTICS v_readings = ROW_COUNT;
    UPDATE inbound_messages m SET body = NULL
        WHERE m.tenant = p_tenant AND m.message_id = ANY (v_messages) AND m.body IS NOT NULL;
    DELETE FROM memory f
        WHERE f.tenant = p_tenant AND f.message_id = ANY (v_messages) AND f.user_id IN (
            SELECT c.user_id FROM inbound_messages m
            JOIN conversations c ON c.tenant = m.tenant AND c.id = m.conversation_id
            WHERE m.tenant = p_tenant AND m.message_id = ANY (v_messages));
    GET DIAGNOSTICS v_facts = ROW_COUNT;
    DELETE FROM dead_letters d WHERE d.tenant = p_tenant AND d.source = 'turn' AND d.key = ANY (v_messages);
    GET DIAGNOSTICS v_letters = ROW_COUNT;
    v_answers := empty_answers(p_tenant, v_messages);
    PERFORM drop_open_questions(p_tenant, v_messages);
    RETURN jsonb_build_object('messages', cardinality(v_messages), 'readings', v_readings, 'answers', v_answers,
                              'facts', v_facts, 'letters', v_letters);
END
$$;

-- Messages of a person that may have a file.
CREATE FUNCTION files_of_person(p_tenant text, p_user bigint) RETURNS text[]
    LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT ARRAY(
        SELECT m.message_id FROM conversations c
        JOIN inbound_messages m ON m.tenant = c.tenant AND m.conversation_id = c.id
        WHERE c.tenant = p_tenant AND c.user_id = p_user AND may_have_file(p_tenant, m.message_id)
        ORDER BY m.received_at)
$$;

-- The same by a person's hand, between two turns: one that is being computed of the older state is refused.
-- With `p_messages` NULL all of a person; facts of before 0009 do not say of which file they are, and go too.
CREATE FUNCTION erase_by_hand(p_tenant text, p_user bigint, p_messages text[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_messages text[] := coalesce(p_messages, files_of_person(p_tenant, p_user));
    v_older integer := 0;
    v_done jsonb;
BEGIN
    UPDATE conversations c SET version = c.version + 1
        WHERE c.tenant = p_tenant AND c.id IN (
            SELECT m.conversation_id FROM inbound_messages m
            WHERE m.tenant = p_tenant AND m.message_id = ANY (v_messages));
    v_done := erase_files(p_tenant, p_user, v_messages);
    IF p_messages IS NULL THEN
        DELETE FROM memory m WHERE m.tenant = p_tenant AND m.user_id = p_user AND m.message_id IS NULL
            AND starts_with(m.key, 'vendor:');
        GET DIAGNOSTICS v_older = ROW_COUNT;
    END IF;
    RETURN v_done || jsonb_build_object('facts', (v_done->>'facts')::integer + v_older, 'ids', to_jsonb(v_messages));
END
$$;

-- What erase_by_hand() would take; changes nothing. As the operator's hand, which sees all rows.
-- -> {"messages": [id], "files": how many are kept, "bytes", "readings", "entries": of the books, made of them}
CREATE FUNCTION plan_erasure(p_tenant text, p_user bigint, p_message text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_messages text[] := CASE WHEN p_message IS NULL THEN files_of_person(p_tenant, p_user) ELSE ARRAY[p_message] END;
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'messages', to_jsonb(v_messages), 'files', count(a.object_key), 'bytes', coalesce(sum(a.size), 0),
            'readings', count(*) FILTER (WHERE a.text IS NOT NULL OR a.reading IS NOT NULL),
            'entries', (SELECT count(*) FROM (
                SELECT t.id FROM transactions t WHERE t.tenant = p_tenant AND t.message_id = ANY (v_messages)
                UNION
                SELECT l.transaction_id FROM transaction_messages l
                WHERE l.tenant = p_tenant AND l.message_id = ANY (v_messages)) made))
        FROM attachments a WHERE a.tenant = p_tenant AND a.message_id = ANY (v_messages));
END
$$;

-- Erasures of the caller's cell that are due, at most `p_limit`; each is given again after a while that grows, to
-- whoever asks then, until end_erasure(). Runs as the owner, since it is of no one tenant; it gives only those of
-- the caller's role. -> [{"tenant", "message_id", "tries"}]
CREATE FUNCTION take_erasures(p_limit integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_taken jsonb;
BEGIN
    WITH due AS (
        SELECT e.tenant, e.message_id FROM erasures e
        JOIN tenants t ON t.tenant = e.tenant AND t.role_name = session_user
        WHERE e.done_at IS NULL AND e.next_try_at <= clock_timestamp()
        ORDER BY e.next_try_at LIMIT p_limit FOR UPDATE OF e SKIP LOCKED),
    taken AS (
        UPDATE erasures e
            SET tries = e.tries + 1,
                next_try_at = clock_timestamp() + make_interval(secs => least(600, 5 * 2 ^ least(e.tries, 10)))
            FROM due WHERE e.tenant = due.tenant AND e.message_id = due.message_id
            RETURNING e.tenant, e.message_id, e.tries)
    SELECT coalesce(jsonb_agg(to_jsonb(taken)), '[]') INTO v_taken FROM taken;
    RETURN v_taken;
END
$$;

-- The bytes of a message are deleted. False while an answer to it is still on its way: its words are needed until
-- then, and the erasure is given again. Runs as the owner, as erase_files() does.
CREATE FUNCTION end_erasure(p_tenant text, p_message text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_own_tenant(p_tenant);
    PERFORM empty_answers(p_tenant, ARRAY[p_message]);
    PERFORM FROM outbox o
        WHERE o.tenant = p_tenant AND o.state IN ('queued', 'sending', 'unsettled')
          AND (o.answers @> ARRAY[p_message] OR o.reply_to = p_message)
          AND o.conversation_id IN (SELECT m.conversation_id FROM inbound_messages m
                                    WHERE m.tenant = p_tenant AND m.message_id = p_message);
    IF FOUND THEN
        RETURN false;
    END IF;
    UPDATE erasures e SET done_at = clock_timestamp() WHERE e.tenant = p_tenant AND e.message_id = p_message;
    RETURN FOUND;
END
$$;

-- Keeps what came with a message. A second time changes nothing: what is kept is named by its content. Of a
-- message that was to be forgotten meanwhile nothing is kept, and its bytes are deleted once more.
CREATE OR REPLACE FUNCTION keep_attachment(p_tenant text, e jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM erasures r WHERE r.tenant = p_tenant AND r.message_id = e->>'message_id';
    IF FOUND THEN
        PERFORM erase_files(p_tenant, NULL, ARRAY[e->>'message_id']);
        RETURN;
    END IF;
    INSERT INTO attachments (tenant, message_id, kind, object_key, sha256, mime_type, size, text, reading, invoice_no)
        VALUES (p_tenant, e->>'message_id', e->>'kind', e->>'object_key', e->>'sha256', e->>'mime_type',
                (e->>'size')::bigint, e->>'text', nullif(e->'reading', 'null'),
                e->'reading'->'fields'->>'invoice_no')
        ON CONFLICT DO NOTHING;
END
$$;

-- All effects of a turn, in their order. The counters come last: they are the rows that turns share.
CREATE OR REPLACE FUNCTION apply_effects(p jsonb, p_zone text, p_user bigint, p_conversation bigint) RETURNS void
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
                PERFORM remember(v_tenant, p_user, e);
            WHEN 'keep_sample' THEN
                PERFORM keep_sample(v_tenant, e);
            WHEN 'keep_attachment' THEN
                PERFORM keep_attachment(v_tenant, e);
            WHEN 'erase_file' THEN
                PERFORM erase_files(v_tenant, p_user, ARRAY[e->>'message_id']);
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

-- Forgets erasures as the marks of messages are forgotten; one that nobody has done, when the bytes have gone by
-- themselves. Called again until it returns 0. Runs as the owner, since the services may not delete; so it checks
-- for itself.
CREATE FUNCTION purge_erasures(p_tenant text, p_media_before timestamptz, p_marks_before timestamptz,
                               p_limit integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_done integer;
BEGIN
    PERFORM require_own_tenant(p_tenant);
    DELETE FROM erasures WHERE tenant = p_tenant AND message_id IN (
        SELECT e.message_id FROM erasures e
        WHERE e.tenant = p_tenant AND e.asked_at < p_marks_before
          AND (e.done_at IS NOT NULL OR e.asked_at < p_media_before)
        ORDER BY e.asked_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_done = ROW_COUNT;
    RETURN v_done;
END
$$;

REVOKE EXECUTE ON FUNCTION may_have_file, empty_answers, drop_open_questions, erase_files, erase_by_hand,
    files_of_person, plan_erasure, take_erasures, end_erasure, purge_erasures FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_files, take_erasures, end_erasure, purge_erasures TO munshi_services;
GRANT EXECUTE ON FUNCTION may_have_file, files_of_person, plan_erasure, erase_by_hand TO munshi_admin;
