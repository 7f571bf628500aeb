-- Reads of one person's books, one round trip each: a read outside a function would need a transaction to set
-- its tenant in. Amounts leave as text, so that no reader makes a float of them.

CREATE FUNCTION entry_json(t transactions) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
    RETURN jsonb_build_object(
        'ref', t.ref, 'customer_name', t.customer_name, 'customer_id', t.customer_id, 'description', t.description,
        'amount', t.amount::text, 'currency', t.currency, 'category', t.category, 'occurred_on', t.occurred_on,
        'created_at', t.created_at);

CREATE FUNCTION read_customers(p_tenant text, p_user bigint, p_limit integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'name', c.name, 'aliases', c.aliases)
                                      ORDER BY c.last_used_at DESC, c.id DESC), '[]')
            FROM (SELECT * FROM ledger_customers l WHERE l.tenant = p_tenant AND l.user_id = p_user
                  ORDER BY l.last_used_at DESC LIMIT p_limit) c);
END
$$;

CREATE FUNCTION read_balance(p_tenant text, p_user bigint, p_customer bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'customer', jsonb_build_object('id', c.id, 'name', c.name, 'aliases', c.aliases),
                'currency', b.currency, 'amount', b.amount::text, 'last_entry_on', b.last_entry_on)
                ORDER BY b.currency), '[]')
            FROM ledger_customers c,
                LATERAL (SELECT t.currency, max(t.occurred_on) AS last_entry_on,
                                sum(CASE t.category WHEN 'credit' THEN t.amount ELSE -t.amount END) AS amount
                         FROM transactions t
                         WHERE t.tenant = p_tenant AND t.customer_id = c.id AND t.category IN ('credit', 'payment')
                         GROUP BY t.currency) b
            WHERE c.tenant = p_tenant AND c.id = p_customer AND c.user_id = p_user);
END
$$;

CREATE FUNCTION read_debtors(p_tenant text, p_user bigint, p_limit integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'customer', jsonb_build_object('id', c.id, 'name', c.name, 'aliases', c.aliases),
                'currency', b.currency, 'amount', b.amount::text, 'last_entry_on', b.last_entry_on)
                ORDER BY b.amount DESC, c.id), '[]')
            FROM (SELECT t.customer_id, t.currency, max(t.occurred_on) AS last_entry_on,
                         sum(CASE t.category WHEN 'credit' THEN t.amount ELSE -t.amount END) AS amount
                  FROM transactions t
                  WHERE t.tenant = p_tenant AND t.user_id = p_user AND t.category IN ('credit', 'payment')
                    AND t.customer_id IS NOT NULL
                  GROUP BY t.customer_id, t.currency
                  HAVING sum(CASE t.category WHEN 'credit' THEN t.amount ELSE -t.amount END) > 0
                  ORDER BY amount DESC, t.customer_id LIMIT p_limit) b
            JOIN ledger_customers c ON c.tenant = p_tenant AND c.id = b.customer_id);
END
$$;

CREATE FUNCTION read_totals(p_tenant text, p_user bigint, p_first date, p_last date) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('category', s.category, 'currency', s.currency,
                                                         'total', s.total::text, 'count', s.n)
                                      ORDER BY s.currency, s.category), '[]')
            FROM (SELECT t.category, t.currency, sum(t.amount) AS total, count(*) AS n FROM transactions t
                  WHERE t.tenant = p_tenant AND t.user_id = p_user AND t.occurred_on BETWEEN p_first AND p_last
                  GROUP BY t.category, t.currency) s);
END
$$;

CREATE FUNCTION read_last_entry(p_tenant text, p_user bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    RETURN (SELECT entry_json(t) FROM transactions t WHERE t.tenant = p_tenant AND t.user_id = p_user
            ORDER BY t.id DESC LIMIT 1);
END
$$;

-- Entries that came of this message, or of the message that this reply of ours answered.
CREATE FUNCTION read_entries_of_message(p_tenant text, p_user bigint, p_message text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_answered text;
BEGIN
    PERFORM set_config('munshi.tenant', p_tenant, true);
    SELECT o.reply_to INTO v_answered FROM outbox o WHERE o.tenant = p_tenant AND o.wamid = p_message;
    RETURN (SELECT coalesce(jsonb_agg(entry_json(t) ORDER BY t.id), '[]') FROM transactions t
            WHERE t.tenant = p_tenant AND t.user_id = p_user AND t.message_id IN (p_message, v_answered));
END
$$;
