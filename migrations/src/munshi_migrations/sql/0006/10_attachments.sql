-- What came with messages: where its bytes lie in the object store, and what was read of it. The bytes are the
-- media service's; here stands only what the books and people need to find them.

CREATE TABLE attachments (
    tenant text NOT NULL,
    message_id text NOT NULL,
    kind text NOT NULL,
    object_key text,
    sha256 text NOT NULL,
    mime_type text NOT NULL,
    size bigint NOT NULL,
    text text,
    reading jsonb,
    invoice_no text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, message_id)
);
CREATE INDEX attachments_age ON attachments (tenant, created_at);
CREATE INDEX attachments_sha256 ON attachments (tenant, sha256);
CREATE INDEX attachments_invoice_no ON attachments (tenant, invoice_no) WHERE invoice_no IS NOT NULL;
COMMENT ON TABLE attachments IS 'Pictures, documents and sounds that came with messages.';
COMMENT ON COLUMN attachments.kind IS 'The word of Meta: image, audio, document, video, sticker.';
COMMENT ON COLUMN attachments.object_key IS 'Below the tenant''s prefix; NULL once retention.media has passed.';
COMMENT ON COLUMN attachments.text IS 'All that was read or heard; NULL once retention.messages has passed.';
COMMENT ON COLUMN attachments.reading IS 'Fields of a document, or a transcript''s details; goes with the bytes.';

-- Which messages were announced to take long: each once, whatever is killed meanwhile.
CREATE TABLE announcements (
    tenant text NOT NULL,
    message_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, message_id)
);
CREATE INDEX announcements_age ON announcements (tenant, created_at);
COMMENT ON TABLE announcements IS 'Messages of which the person was told that they take long.';

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['attachments', 'announcements'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
        EXECUTE format(
            'CREATE POLICY own ON %I TO munshi_services USING (tenant = ('
            'SELECT t.tenant FROM tenants t WHERE t.tenant = current_setting(''munshi.tenant'', true)))', t);
        EXECUTE format('CREATE POLICY platform ON %I TO munshi_owner, munshi_admin USING (true) WITH CHECK (true)', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO munshi_services', t);
        EXECUTE format('GRANT SELECT ON %I TO munshi_admin', t);
    END LOOP;
END
$$;

-- Keeps what came with a message. A second time changes nothing: what is kept is named by its content.
CREATE FUNCTION keep_attachment(p_tenant text, e jsonb) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO attachments (tenant, message_id, kind, object_key, sha256, mime_type, size, text, reading, invoice_no)
        VALUES (p_tenant, e->>'message_id', e->>'kind', e->>'object_key', e->>'sha256', e->>'mime_type',
                (e->>'size')::bigint, e->>'text', nullif(e->'reading', 'null'),
                e->'reading'->'fields'->>'invoice_no')
        ON CONFLICT DO NOTHING
$$;

-- Live entries of one person's books that came of the same file, or of a document with the same number, vendor
-- and total. p: {"sha256", "invoice_no", "vendor", "total"}, each may be null
CREATE FUNCTION read_same_receipt(p_tenant text, p_user bigint, p jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_messages text[];
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    v_messages := ARRAY(
        SELECT a.message_id FROM attachments a WHERE a.tenant = p_tenant AND a.sha256 = p->>'sha256'
        UNION
        SELECT a.message_id FROM attachments a
        WHERE a.tenant = p_tenant AND a.invoice_no = p->>'invoice_no'
          AND (a.reading->'fields'->>'total')::numeric = (p->>'total')::numeric
          AND name_key(a.reading->'fields'->>'vendor') = name_key(p->>'vendor'));
    RETURN (SELECT coalesce(jsonb_agg(entry_json(t) ORDER BY t.id), '[]') FROM transactions t
            WHERE t.tenant = p_tenant AND t.user_id = p_user AND t.id IN (
                SELECT own.id FROM transactions own
                WHERE own.tenant = p_tenant AND own.message_id = ANY (v_messages)
                UNION
                SELECT link.transaction_id FROM transaction_messages link
                WHERE link.tenant = p_tenant AND link.message_id = ANY (v_messages)));
END
$$;

-- An entry is also linked to the message that began it (`of`), where another one completed it: a picture, or a
-- voice note, and the "yes" to it.
CREATE OR REPLACE FUNCTION book_entry(p jsonb, p_user bigint, e jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF e->>'op' = 'add_entry' THEN
        PERFORM add_entry(p->>'tenant', p_user, e);
    ELSE
        PERFORM amend_entry(p->>'tenant', p_user, e);
    END IF;
    PERFORM link_entry(p->>'tenant', e->>'ref', ARRAY(SELECT m->>'id' FROM jsonb_array_elements(p->'messages') m));
    IF e->>'of' IS NOT NULL THEN
        PERFORM link_entry(p->>'tenant', e->>'ref', ARRAY[e->>'of']);
    END IF;
END
$$;

-- Keeps a fact of a person under its key. e: {"key", "value"}
CREATE FUNCTION remember(p_tenant text, p_user bigint, e jsonb) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO memory AS m (tenant, user_id, key, value) VALUES (p_tenant, p_user, e->>'key', e->'value')
        ON CONFLICT (tenant, user_id, key)
        DO UPDATE SET value = excluded.value, embedding = NULL, updated_at = clock_timestamp()
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

-- Refuses a tenant of another role, for functions that run as the owner and so see all rows.
CREATE FUNCTION require_own_tenant(p_tenant text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM tenants t WHERE t.tenant = p_tenant AND t.role_name = session_user;
    IF NOT FOUND AND NOT pg_has_role(session_user, 'munshi_admin', 'MEMBER') THEN
        RAISE EXCEPTION 'tenant % is not of this role', p_tenant USING ERRCODE = 'MU403';
    END IF;
END
$$;

-- Forgets attachments: where the bytes lie and what was read of them at `p_media_before`, the text at
-- `p_before`, the row when both have passed; announcements at `p_marks_before`, as the marks of messages. Called
-- again until it returns 0. Runs as the owner, since the services may not delete; so it checks for itself.
CREATE FUNCTION purge_attachments(p_tenant text, p_before timestamptz, p_media_before timestamptz,
                                  p_marks_before timestamptz, p_limit integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_done integer;
    v_n integer;
BEGIN
    PERFORM require_own_tenant(p_tenant);
    DELETE FROM attachments WHERE tenant = p_tenant AND message_id IN (
        SELECT a.message_id FROM attachments a
        WHERE a.tenant = p_tenant AND a.created_at < least(p_before, p_media_before)
        ORDER BY a.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_done = ROW_COUNT;
    UPDATE attachments SET object_key = NULL, reading = NULL WHERE tenant = p_tenant AND message_id IN (
        SELECT a.message_id FROM attachments a
        WHERE a.tenant = p_tenant AND a.created_at < p_media_before
          AND (a.object_key IS NOT NULL OR a.reading IS NOT NULL)
        ORDER BY a.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_n = ROW_COUNT;
    v_done := v_done + v_n;
    UPDATE attachments SET text = NULL WHERE tenant = p_tenant AND message_id IN (
        SELECT a.message_id FROM attachments a
        WHERE a.tenant = p_tenant AND a.created_at < p_before AND a.text IS NOT NULL
        ORDER BY a.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_n = ROW_COUNT;
    v_done := v_done + v_n;
    DELETE FROM announcements WHERE tenant = p_tenant AND message_id IN (
        SELECT a.message_id FROM announcements a
        WHERE a.tenant = p_tenant AND a.created_at < least(p_before, p_marks_before)
        ORDER BY a.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_n = ROW_COUNT;
    RETURN v_done + v_n;
END
$$;

-- Takes the rows of the tables named as its arguments along with a tenant that is deleted, in the same
-- transaction: purge_tenant() ends with the tenant's own row and need not know the tables of later versions. No
-- foreign key, since each insert would lock the tenant's row.
CREATE FUNCTION purge_with_tenant() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY tg_argv LOOP
        EXECUTE format('DELETE FROM %I WHERE tenant = $1', v_table) USING old.tenant;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER purge_attachments AFTER DELETE ON tenants FOR EACH ROW
    EXECUTE FUNCTION purge_with_tenant('attachments', 'announcements');

REVOKE EXECUTE ON FUNCTION keep_attachment, read_same_receipt, remember, require_own_tenant, purge_attachments,
    purge_with_tenant FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_attachment, read_same_receipt, remember, purge_attachments TO munshi_services;
