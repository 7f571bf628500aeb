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

CREATE OR REPLACE FUNCTION book_entry(p jsonb, p_user bigint, e jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF e->>'op' = 'add_entry' THEN
        PERFORM add_entry(p->>'tenant', p_user, e);
    ELSE
        PERFORM amend_entry(p->>'tenant', p_user, e);
    END IF;
    PERFORM link_entry(p->>'tenant', e->>'ref', ARRAY(SELECT m->>'id' FROM jsonb_array_elements(p->'messages') m));
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

REVOKE EXECUTE ON FUNCTION link_entry FROM PUBLIC;
GRANT EXECUTE ON FUNCTION link_entry TO munshi_services;
