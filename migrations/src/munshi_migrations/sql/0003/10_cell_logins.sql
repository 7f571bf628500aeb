-- What PgBouncer must know to let a cell's role in, without a superuser and without a list of users: the
-- role's own SCRAM verifier. It is the very one that the server holds, so PgBouncer logs in with what the
-- client proved and never knows a password.

CREATE TABLE cell_logins (
    cell text PRIMARY KEY REFERENCES cells ON DELETE CASCADE,
    verifier text NOT NULL
);
COMMENT ON TABLE cell_logins IS 'SCRAM verifiers of the cells'' roles, as in pg_authid; written by the operator, read by PgBouncer alone.';

ALTER TABLE cell_logins ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY platform ON cell_logins TO munshi_owner, munshi_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON cell_logins TO munshi_admin;

-- PgBouncer's auth_query. Roles of cells alone, and only while they may log in: nobody gets an
-- administrator's verifier here. The operator grants it to the role munshi_pgbouncer.
CREATE FUNCTION cell_verifier(p_role text) RETURNS TABLE (usename text, passwd text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT c.role_name, l.verifier
    FROM cells c JOIN cell_logins l USING (cell) JOIN pg_roles r ON r.rolname = c.role_name
    WHERE c.role_name = p_role AND r.rolcanlogin
$$;
REVOKE EXECUTE ON FUNCTION cell_verifier FROM PUBLIC;
