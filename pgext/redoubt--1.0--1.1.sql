-- Redoubt for PostgreSQL, 1.0 to 1.1: discovery of encrypted values that nobody registered, and of comparisons that cannot work.
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL search_path = pg_catalog;

DO $$
BEGIN
    IF to_regprocedure('redoubt.version()') IS NULL THEN
        RAISE 'redoubt: not installed here' USING HINT = 'Run redoubt--1.0.sql first.';
    ELSIF redoubt.version() <> '1.0' THEN
        RAISE 'redoubt: this upgrades version 1.0, and here is %', redoubt.version();
    END IF;
END $$;

CREATE OR REPLACE FUNCTION redoubt.version() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT '1.1'::pg_catalog.text $$;

-- ---- Discovery ----

-- The values inside one text: as rd1. text anywhere in it (so also in JSON), or as the bytes written in hexadecimal. Its first
-- characters tell the header. A searchable value in hexadecimal is found by the RF1 in it.
CREATE FUNCTION redoubt.headers_in(value text) RETURNS SETOF bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT h FROM (
        SELECT substring(decode(translate(m[1], '-_', '+/') || '=', 'base64'), 1, 8)
            FROM regexp_matches(value, 'rd1\.([A-Za-z0-9_-]{11})[A-Za-z0-9_-]{96}', 'g') AS m
        UNION ALL
        SELECT decode(m[1], 'hex') FROM regexp_matches(value, '(f8[0-9a-f]{14})[0-9a-f]{144}', 'gi') AS m
            WHERE value ~* '(^|[^0-9a-z])(x|0x)?(f8|f9[0-9a-f]{38}f8)[0-9a-f]{158}'
    ) AS found (h) WHERE redoubt.is_rf1(h || decode(repeat('00', 72), 'hex')) $$;

-- Encrypted values wherever they are: every column of bytes, text or JSON, and arrays of them, in every table, partition and
-- materialised view outside the system's schemas. One row for each column, form and handle:
--   form  rf1, searchable: the value is one; inside: within text or JSON; rbf1: a sealed file (no handle)
-- and one with only a note where somebody may not, or this cannot, look: that is not "nothing found".
-- percent: below 100 only so much of each table's pages is read.
CREATE FUNCTION redoubt.discover(percent real DEFAULT 100)
    RETURNS TABLE (relation text, col name, type text, form text, handle bigint, epoch_min integer, epoch_max integer,
                   n bigint, registered boolean, note text)
    LANGUAGE plpgsql SET search_path = pg_catalog SET row_security = off AS $$
DECLARE
    at record;
    query text;
    source text;
BEGIN
    FOR at IN
        WITH RECURSIVE base (oid, type) AS ( -- domains, down to what they are made of
            SELECT t.oid, t.oid FROM pg_type t
            UNION SELECT b.oid, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END
                FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0))
        SELECT c.oid::regclass AS rel, c.relkind AS kind, c.relrowsecurity AS guarded, a.attname AS name, a.attnum AS num, format_type(a.atttypid, a.atttypmod) AS type,
            max(CASE b.type WHEN 'bytea'::regtype THEN 'bytes' ELSE 'text' END) AS holds,
            bool_or(t.typcategory = 'A') AS is_array,
            has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT') AS may
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN base b ON b.oid = a.atttypid
        JOIN pg_type t ON t.oid = a.atttypid
        WHERE c.relkind IN ('r', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'redoubt') AND n.nspname NOT LIKE 'pg\_toast%'
            AND NOT pg_is_other_temp_schema(n.oid)
            AND b.type IN ('bytea'::regtype, 'text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'json'::regtype, 'jsonb'::regtype, 'xml'::regtype)
        GROUP BY c.oid, c.relkind, c.relrowsecurity, a.attname, a.attnum, a.atttypid, a.atttypmod, n.oid
        ORDER BY c.oid::regclass::text, a.attnum
    LOOP
        relation := at.rel::text; col := at.name; type := at.type;
        form := NULL; handle := NULL; epoch_min := NULL; epoch_max := NULL; n := NULL;
        registered := EXISTS (SELECT 1 FROM redoubt.places p WHERE p.col = at.name AND (p.relation = at.rel
            OR at.rel IN (SELECT t.relation FROM redoubt.tree(p.relation) t)));
        IF at.kind = 'f' THEN
            note := 'not read: a foreign table';
        ELSIF NOT at.may THEN
            note := 'not read: no right to select it';
        ELSE
            note := CASE WHEN percent < 100 THEN format('sampled: %s %% of the pages', percent) END;
            source := format(CASE WHEN at.is_array THEN '(SELECT unnest(%I) AS v FROM ONLY %s%s) AS s' ELSE '(SELECT %I AS v FROM ONLY %s%s) AS s' END,
                at.name, at.rel, CASE WHEN percent < 100 THEN format(' TABLESAMPLE SYSTEM (%s)', percent) ELSE '' END);
            IF at.holds = 'bytes' THEN
                query := 'SELECT CASE WHEN redoubt.is_rf1(v) THEN ''rf1'' WHEN redoubt.is_searchable(v) THEN ''searchable'' ELSE ''rbf1'' END, redoubt.header(v), count(*) FROM '
                    '(SELECT v::bytea AS v FROM ' || source || ') AS b WHERE redoubt.header(v) IS NOT NULL OR substring(v, 1, 4) = ''RBF1''::bytea GROUP BY 1, 2';
            ELSE
                query := 'SELECT CASE WHEN redoubt.is_rd1(v) THEN ''rf1'' ELSE ''inside'' END, h, count(*) FROM '
                    '(SELECT v::text AS v FROM ' || source || ') AS b, redoubt.headers_in(v) AS h GROUP BY 1, 2';
            END IF;
            BEGIN
                RETURN QUERY EXECUTE format('SELECT %L::text, %L::name, %L::text, a.f, (''x'' || encode(substring(a.h, 3, 4), ''hex''))::bit(32)::int8,'
                    ' min(get_byte(a.h, 6) * 256 + get_byte(a.h, 7)), max(get_byte(a.h, 6) * 256 + get_byte(a.h, 7)), sum(a.k)::int8, %L::boolean, %L::text'
                    ' FROM (%s) AS a (f, h, k) GROUP BY 4, 5 ORDER BY 4, 5', relation, col, type, registered, note, query);
                CONTINUE;
            EXCEPTION WHEN OTHERS THEN -- its SQLSTATE only: a message could quote something
                note := 'not read: ' || SQLSTATE || CASE WHEN at.guarded THEN ', row level security hides rows' ELSE '' END;
            END;
        END IF;
        RETURN NEXT;
    END LOOP;
    SELECT count(*) INTO n FROM pg_largeobject_metadata;
    IF n > 0 THEN
        relation := 'pg_largeobject'; col := 'data'; type := 'large object'; form := NULL; handle := NULL;
        epoch_min := NULL; epoch_max := NULL; registered := false;
        note := 'not read: large objects';
        RETURN NEXT;
    END IF;
END $$;

-- ---- Lint ----

-- What one stored expression or query (a node tree, as in pg_rewrite) does with encrypted columns that only bytes allow. A column
-- that was cast to its bytes on purpose is meant.
CREATE FUNCTION redoubt.comparisons(tree text) RETURNS SETOF text
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog AS $$
DECLARE
    types oid[] := ARRAY['redoubt.rf1'::regtype, 'redoubt.searchable'::regtype, 'redoubt.rd1'::regtype];
    operators oid[] := ARRAY(SELECT o.oid FROM pg_operator o WHERE o.oprnamespace = 'pg_catalog'::regnamespace
        AND o.oprleft IN ('bytea'::regtype, 'text'::regtype) AND o.oprresult = 'boolean'::regtype);
    stack text[] := '{}'; -- the nodes that are open, each with what stands before its first child
    part text;
    depth integer;
BEGIN
    FOR part IN SELECT m[1] FROM regexp_matches(regexp_replace(tree, '\\.', '', 'g'), '(\{[A-Z_]+[^{}]*|\}[^{}]*)', 'g') AS m LOOP
        IF left(part, 1) = '{' THEN
            stack := stack || part;
            CONTINUE;
        END IF;
        -- a node closes; "part" has what its parent says after it
        depth := cardinality(stack);
        IF stack[depth] LIKE '{VAR %' AND substring(stack[depth], ':vartype (\d+)')::oid = ANY (types) THEN
            IF stack[depth - 1] LIKE '{TARGETENTRY%' AND part ~ ':ressortgroupref [1-9]' THEN
                RETURN NEXT 'sorts or groups by';
            END IF;
            IF stack[depth - 1] LIKE '{RELABELTYPE%' AND part LIKE '%:relabelformat 2%' THEN
                depth := depth - 1;
            END IF;
            IF stack[depth - 1] ~ '^\{(OPEXPR|SCALARARRAYOPEXPR|DISTINCTEXPR|NULLIFEXPR) '
                AND substring(stack[depth - 1], ':opno (\d+)')::oid = ANY (operators) THEN
                RETURN NEXT 'compares';
            END IF;
        END IF;
        stack := stack[1:cardinality(stack) - 1];
    END LOOP;
END $$;

-- Mistakes with encrypted columns that PostgreSQL lets pass: what compares, sorts, groups or indexes their bytes, which finds
-- nothing, and a search_path on which the operators that refuse are not seen.
CREATE FUNCTION redoubt.lint() RETURNS TABLE (severity text, object text, finding text)
    LANGUAGE plpgsql STABLE AS $$ -- under the caller's search_path, which it judges
DECLARE
    path text[] := pg_catalog.current_schemas(false)::pg_catalog.text[];
    types pg_catalog.oid[] := ARRAY['redoubt.rf1'::pg_catalog.regtype, 'redoubt.searchable'::pg_catalog.regtype, 'redoubt.rd1'::pg_catalog.regtype];
    before text := pg_catalog.current_setting('search_path');
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
    IF NOT 'redoubt' = ANY (path) THEN
        RETURN QUERY SELECT 'warning', format('search_path of %I', current_user),
            'does not name redoubt: a comparison of encrypted values is not refused; ALTER ROLE ... SET search_path = ..., redoubt';
    END IF;
    RETURN QUERY
        SELECT 'error', format('index %s', i.indexrelid::regclass), format('indexes the bytes of %s.%I: index redoubt.token(%2$I) instead', i.indrelid::regclass, a.attname)
        FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[]) AND a.atttypid = ANY (types)
        ORDER BY 2;
    RETURN QUERY
        SELECT DISTINCT 'error', o.name, f.what || ' the bytes of an encrypted value' FROM (
            SELECT format('%s %s', CASE c.relkind WHEN 'm' THEN 'materialized view' WHEN 'v' THEN 'view' ELSE 'rule of' END, c.oid::regclass), r.ev_action::text
                FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
            UNION ALL SELECT format('constraint %I of %s', conname, conrelid::regclass), conbin::text FROM pg_constraint WHERE contype = 'c'
            UNION ALL SELECT format('policy %I of %s', polname, polrelid::regclass), concat(polqual::text, polwithcheck::text) FROM pg_policy
            UNION ALL SELECT format('trigger %I of %s', tgname, tgrelid::regclass), tgqual::text FROM pg_trigger WHERE tgqual IS NOT NULL
            UNION ALL SELECT format('index %s', indexrelid::regclass), concat(indexprs::text, indpred::text) FROM pg_index
            UNION ALL SELECT format('default of %s', adrelid::regclass), adbin::text FROM pg_attrdef
        ) AS o (name, tree), redoubt.comparisons(o.tree) AS f (what)
        WHERE EXISTS (SELECT 1 FROM unnest(types) t WHERE position(':vartype ' || t || ' ' IN o.tree) > 0) ORDER BY 2;
    RETURN QUERY
        SELECT 'warning', format('column %s.%I', c.oid::regclass, a.attname),
            'searchable, and no index on redoubt.token() of it: each search reads the whole table'
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE a.atttypid = 'redoubt.searchable'::regtype AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'm') AND NOT EXISTS (
            SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid
                AND pg_get_indexdef(i.indexrelid, 1, false) = format('redoubt.token((%I)::bytea)', a.attname))
        ORDER BY 2;
    RETURN QUERY
        SELECT 'error', format('trigger %I of %s', t.tgname, t.tgrelid::regclass),
            'a fence that is switched off, or that a session can: call redoubt.fence() again'
        FROM pg_trigger t WHERE t.tgfoid = 'redoubt.refuse()'::regprocedure AND t.tgenabled <> 'A' ORDER BY 2;
    PERFORM set_config('search_path', before, true);
END $$;

COMMIT;
