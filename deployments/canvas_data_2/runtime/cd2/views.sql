-- Views and materialized views that stand in the way of a schema change: saved, dropped, and put back afterwards.
--
-- Installed by `quintet canvas prepare-database`; running it again changes nothing that is saved. The functions run as
-- their owner, so that the user of the pipeline can drop other users' views in this way only.

CREATE SCHEMA IF NOT EXISTS cd2_views;

CREATE TABLE IF NOT EXISTS cd2_views.saved (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    place integer NOT NULL, -- restored in this order: what others need comes first
    view_schema text NOT NULL,
    view_name text NOT NULL,
    statements text[] NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now(),
    error text -- why it could not be restored
);

-- What makes the view again: itself, options, owner, comments, grants, rules, triggers, and a materialized view's indexes.
CREATE OR REPLACE FUNCTION cd2_views.statements(view oid) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    kind "char";
    name text;
    populated boolean;
    options text;
    owner text;
    made text[];
BEGIN
    SELECT c.relkind, format('%I.%I', n.nspname, c.relname), c.relispopulated, array_to_string(c.reloptions, ', '),
           pg_get_userbyid(c.relowner)
      INTO kind, name, populated, options, owner
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = view;
    made := ARRAY[format(
        'CREATE %s %s%s AS %s%s',
        CASE kind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END,
        name,
        CASE WHEN options IS NULL THEN '' ELSE format(' WITH (%s)', options) END,
        rtrim(pg_get_viewdef(view), ';'),
        CASE WHEN kind = 'm' AND NOT populated THEN ' WITH NO DATA' ELSE '' END
    )];
    made := made || ARRAY(
        SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = view ORDER BY indexrelid
    );
    made := made || ARRAY(
        SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE ev_class = view AND rulename <> '_RETURN' ORDER BY oid
    );
    made := made || ARRAY(
        SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = view AND NOT tgisinternal ORDER BY oid
    );
    made := made || ARRAY(
        SELECT CASE d.objsubid
                   WHEN 0 THEN format(
                       'COMMENT ON %s %s IS %L',
                       CASE kind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, name, d.description)
                   ELSE format('COMMENT ON COLUMN %s.%I IS %L', name, a.attname, d.description)
               END
          FROM pg_description d
          LEFT JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0
         WHERE d.objoid = view AND d.classoid = 'pg_class'::regclass ORDER BY d.objsubid
    );
    made := made || ARRAY(
        SELECT format(
                   'GRANT %s ON %s TO %s%s', g.privilege_type, name,
                   CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
                   CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
          FROM pg_class c, aclexplode(c.relacl) g WHERE c.oid = view AND g.grantee <> c.relowner
         ORDER BY 1
    );
    made := made || ARRAY(
        SELECT format(
                   'GRANT %s (%I) ON %s TO %s%s', g.privilege_type, a.attname, name,
                   CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
                   CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
          FROM pg_attribute a, aclexplode(a.attacl) g WHERE a.attrelid = view AND NOT a.attisdropped
         ORDER BY 1
    );
    -- last: from then on only its owner may do all this
    RETURN made || format('ALTER %s %s OWNER TO %I', CASE kind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, name, owner);
END $$;

-- Saves and drops every view that depends on the table, directly or through other views; how many.
CREATE OR REPLACE FUNCTION cd2_views.save_and_drop(of_schema text, of_table text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    relation regclass := to_regclass(format('%I.%I', of_schema, of_table));
    found record;
    dropped integer := 0;
BEGIN
    IF NOT pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = relation), 'USAGE') THEN
        RAISE EXCEPTION '%.% is not yours', of_schema, of_table USING ERRCODE = 'insufficient_privilege';
    END IF;
    CREATE TEMPORARY TABLE standing_on ON COMMIT DROP AS
        WITH RECURSIVE above (view, depth) AS (
            SELECT relation::oid, 0
            UNION
            SELECT r.ev_class, above.depth + 1
              FROM above
              JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = above.view
                               AND d.classid = 'pg_rewrite'::regclass AND d.deptype = 'n'
              JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> above.view
        )
        SELECT view, max(depth) AS depth FROM above WHERE depth > 0 GROUP BY view;
    FOR found IN
        SELECT s.view, s.depth, n.nspname, c.relname, c.relkind
          FROM pg_temp.standing_on s JOIN pg_class c ON c.oid = s.view JOIN pg_namespace n ON n.oid = c.relnamespace
         ORDER BY s.depth, n.nspname, c.relname
    LOOP
        dropped := dropped + 1;
        INSERT INTO cd2_views.saved (table_schema, table_name, place, view_schema, view_name, statements)
        VALUES (of_schema, of_table, found.depth, found.nspname, found.relname, cd2_views.statements(found.view));
    END LOOP;
    FOR found IN
        SELECT s.view, c.relkind, n.nspname, c.relname
          FROM pg_temp.standing_on s JOIN pg_class c ON c.oid = s.view JOIN pg_namespace n ON n.oid = c.relnamespace
         ORDER BY s.depth DESC
    LOOP
        EXECUTE format(
            'DROP %s %I.%I', CASE found.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END,
            found.nspname, found.relname);
    END LOOP;
    DROP TABLE pg_temp.standing_on;
    RETURN dropped;
END $$;

-- Puts back what was saved of the table; returns the views that could not be, with the reason. They stay saved, so that
-- the next call tries again. A view that is there again, because somebody made it, is left as it is.
CREATE OR REPLACE FUNCTION cd2_views.restore(of_schema text, of_table text)
RETURNS TABLE (view_name text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    found cd2_views.saved%ROWTYPE;
    statement text;
BEGIN
    FOR found IN
        SELECT * FROM cd2_views.saved s
         WHERE s.table_schema = of_schema AND s.table_name = of_table ORDER BY s.place, s.id
           FOR UPDATE
    LOOP
        BEGIN
            IF to_regclass(format('%I.%I', found.view_schema, found.view_name)) IS NULL THEN
                FOREACH statement IN ARRAY found.statements LOOP
                    EXECUTE statement;
                END LOOP;
            END IF;
            DELETE FROM cd2_views.saved s WHERE s.id = found.id;
        EXCEPTION WHEN OTHERS THEN
            UPDATE cd2_views.saved s SET error = SQLERRM WHERE s.id = found.id;
            view_name := format('%s.%s', found.view_schema, found.view_name);
            reason := SQLERRM;
            RETURN NEXT;
        END;
    END LOOP;
END $$;

REVOKE ALL ON SCHEMA cd2_views FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cd2_views FROM PUBLIC;
