-- Redoubt for PostgreSQL 13 and newer, in SQL alone: types, functions, fences and facts about encrypted columns.
-- No superuser and no extension: an ordinary user runs this in a database where it may create the schema "redoubt",
-- or owns an empty one of that name. Formats: docs/formats/field.md, docs/formats/searchable.md. Guide: docs/guides/postgresql.md.
--
-- Bodies qualify every name and operator of an inlined function: they run under the caller's search_path. The others
-- pin theirs. All run with the caller's own rights. Functions that read a value answer NULL where it is none, so that
-- no error ever quotes it. They are not marked STRICT, since that would keep PostgreSQL from inlining them.
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL search_path = pg_catalog;

DO $$
BEGIN
    IF current_setting('server_version_num')::int < 130000 THEN
        RAISE 'redoubt: PostgreSQL 13 or newer is needed, this is %', current_setting('server_version');
    ELSIF to_regprocedure('redoubt.version()') IS NOT NULL THEN
        RAISE 'redoubt: already installed here, as version %', redoubt.version()
            USING HINT = 'Upgrade it with the script redoubt--FROM--TO.sql, or uninstall it first.';
    ELSIF to_regnamespace('redoubt') IS NULL THEN
        CREATE SCHEMA redoubt;
    END IF;
END $$;
COMMENT ON SCHEMA redoubt IS 'Redoubt: encrypted columns (docs/guides/postgresql.md)';
GRANT USAGE ON SCHEMA redoubt TO PUBLIC;

CREATE FUNCTION redoubt.version() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT '1.0'::pg_catalog.text $$;

-- ---- What a value is ----

-- field.md sections 1 and 3: F8, a suite of this version, an epoch, and room for what is around a plaintext of 0 to 16 MiB.
-- octet_length and substring read what they need of a long value, get_byte by itself all of it.
CREATE FUNCTION redoubt.is_rf1(value bytea) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN value IS NULL THEN NULL
        WHEN pg_catalog.octet_length(value) OPERATOR(pg_catalog.<) 80
          OR pg_catalog.octet_length(value) OPERATOR(pg_catalog.>) 16777296 THEN false
        WHEN pg_catalog.substring(value, 1, 1) OPERATOR(pg_catalog.<>) '\xf8'::pg_catalog.bytea THEN false
        WHEN pg_catalog.get_byte(pg_catalog.substring(value, 2, 1), 0) OPERATOR(pg_catalog.&) 63 OPERATOR(pg_catalog.<>) 1 THEN false
        ELSE pg_catalog.substring(value, 7, 2) OPERATOR(pg_catalog.<>) '\x0000'::pg_catalog.bytea
    END $$;

-- F9 | kind, unique or truncated | index epoch 2 | token 16 | RF1
CREATE FUNCTION redoubt.is_searchable(value bytea) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN value IS NULL THEN NULL
        WHEN pg_catalog.octet_length(value) OPERATOR(pg_catalog.<) 100
          OR pg_catalog.octet_length(value) OPERATOR(pg_catalog.>) 16777316 THEN false
        WHEN pg_catalog.substring(value, 1, 1) OPERATOR(pg_catalog.<>) '\xf9'::pg_catalog.bytea
          OR pg_catalog.get_byte(pg_catalog.substring(value, 2, 1), 0) OPERATOR(pg_catalog.>) 2
          OR pg_catalog.substring(value, 2, 1) OPERATOR(pg_catalog.=) '\x00'::pg_catalog.bytea
          OR pg_catalog.substring(value, 3, 2) OPERATOR(pg_catalog.=) '\x0000'::pg_catalog.bytea
          OR pg_catalog.substring(value, 21, 1) OPERATOR(pg_catalog.<>) '\xf8'::pg_catalog.bytea THEN false
        WHEN pg_catalog.get_byte(pg_catalog.substring(value, 22, 1), 0) OPERATOR(pg_catalog.&) 63 OPERATOR(pg_catalog.<>) 1 THEN false
        ELSE pg_catalog.substring(value, 27, 2) OPERATOR(pg_catalog.<>) '\x0000'::pg_catalog.bytea
    END $$;

-- The text form, field.md section 6: the one text of a value.
CREATE FUNCTION redoubt.text_of(value bytea) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN redoubt.is_rf1(value) THEN
        'rd1.' OPERATOR(pg_catalog.||) pg_catalog.translate(pg_catalog.encode(value, 'base64'), E'+/=\n', '-_') END $$;

CREATE FUNCTION redoubt.of_text(value text) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
    bytes bytea;
BEGIN
    -- what decode() would quote in an error is refused before
    IF value !~ '^rd1\.[A-Za-z0-9_-]+$' OR length(value) % 4 = 1 THEN
        RETURN NULL;
    END IF;
    bytes := decode(translate(substr(value, 5), '-_', '+/') || repeat('=', -length(value) & 3), 'base64');
    RETURN CASE WHEN redoubt.text_of(bytes) = value THEN bytes END;
END $$;

CREATE FUNCTION redoubt.is_rd1(value text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value IS NULL THEN NULL ELSE redoubt.of_text(value) IS NOT NULL END $$;

-- As of_text, but empty for what is no value, so that only NULL is NULL
CREATE FUNCTION redoubt.bytes(value text) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value IS NOT NULL THEN coalesce(redoubt.of_text(value), '\x'::pg_catalog.bytea) END $$;

-- A value that is none is refused by its type, since the error of a type names no value; that of a table's CHECK prints the row.
CREATE DOMAIN redoubt.rf1 AS bytea CONSTRAINT rf1_format CHECK (redoubt.is_rf1(VALUE));
CREATE DOMAIN redoubt.searchable AS bytea CONSTRAINT searchable_format CHECK (redoubt.is_searchable(VALUE));
CREATE DOMAIN redoubt.rd1 AS text CONSTRAINT rd1_format CHECK (redoubt.is_rd1(VALUE));

-- ---- What the head of a value says: of RF1, or of the one inside a searchable value ----

-- The eight bytes that name suite, handle and epoch; NULL for what is no value.
CREATE FUNCTION redoubt.header(value bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN redoubt.is_rf1(value) THEN pg_catalog.substring(value, 1, 8)
                WHEN redoubt.is_searchable(value) THEN pg_catalog.substring(value, 21, 8) END $$;

CREATE FUNCTION redoubt.epoch(value bytea) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN redoubt.is_rf1(value) THEN
            pg_catalog.get_byte(pg_catalog.substring(value, 7, 2), 0) OPERATOR(pg_catalog.*) 256
            OPERATOR(pg_catalog.+) pg_catalog.get_byte(pg_catalog.substring(value, 7, 2), 1)
        WHEN redoubt.is_searchable(value) THEN
            pg_catalog.get_byte(pg_catalog.substring(value, 27, 2), 0) OPERATOR(pg_catalog.*) 256
            OPERATOR(pg_catalog.+) pg_catalog.get_byte(pg_catalog.substring(value, 27, 2), 1)
    END $$;

-- 32 bits without a sign
CREATE FUNCTION redoubt.key_handle(value bytea) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN redoubt.is_rf1(value) THEN
            (('x' OPERATOR(pg_catalog.||) pg_catalog.encode(pg_catalog.substring(value, 3, 4), 'hex'))::pg_catalog.bit(32)::pg_catalog.int8)
        WHEN redoubt.is_searchable(value) THEN
            (('x' OPERATOR(pg_catalog.||) pg_catalog.encode(pg_catalog.substring(value, 23, 4), 'hex'))::pg_catalog.bit(32)::pg_catalog.int8)
    END $$;

CREATE FUNCTION redoubt.suite(value bytea) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN redoubt.is_rf1(value) THEN pg_catalog.get_byte(pg_catalog.substring(value, 2, 1), 0)
                WHEN redoubt.is_searchable(value) THEN pg_catalog.get_byte(pg_catalog.substring(value, 22, 1), 0) END $$;

CREATE FUNCTION redoubt.row_bound(value bytea) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT redoubt.suite(value) OPERATOR(pg_catalog.>=) 128 $$;

CREATE FUNCTION redoubt.padded(value bytea) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT redoubt.suite(value) OPERATOR(pg_catalog.&) 64 OPERATOR(pg_catalog.<>) 0 $$;

-- ---- Search ----

CREATE FUNCTION redoubt.kind(value bytea) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN redoubt.is_searchable(value) THEN pg_catalog.get_byte(pg_catalog.substring(value, 2, 1), 0) END $$;

CREATE FUNCTION redoubt.index_epoch(value bytea) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN redoubt.is_searchable(value) THEN
        pg_catalog.get_byte(pg_catalog.substring(value, 3, 2), 0) OPERATOR(pg_catalog.*) 256
        OPERATOR(pg_catalog.+) pg_catalog.get_byte(pg_catalog.substring(value, 3, 2), 1) END $$;

-- What indexes and queries use: CREATE INDEX ON t (redoubt.token(c)); ... WHERE redoubt.token(c) = $1
-- For columns of the type redoubt.searchable, whose values were checked when they came in: so it stays short, also in EXPLAIN.
CREATE FUNCTION redoubt.token(value bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN pg_catalog.substring(value, 1, 1) OPERATOR(pg_catalog.=) '\xf9'::pg_catalog.bytea
           THEN pg_catalog.substring(value, 5, 16) END $$;

-- For a query in the time of an index rotation, when a value has a token of the old epoch or of the new one. Uses the same index.
CREATE FUNCTION redoubt.search(value bytea, tokens bytea[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT redoubt.token(value) OPERATOR(pg_catalog.=) ANY (tokens) $$;

-- The RF1 of a searchable value
CREATE FUNCTION redoubt.sealed(value bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN redoubt.is_searchable(value) THEN pg_catalog.substring(value, 21)
                WHEN redoubt.is_rf1(value) THEN value END $$;

-- ---- Comparing encrypted values is a mistake: two of one plaintext always differ ----
-- PostgreSQL takes these operators wherever "redoubt" is on the search_path, also as its last entry: an exact match of
-- types comes before the order of the path. Elsewhere the ones of bytea are taken; redoubt.lint() finds what was built so.
-- GROUP BY, DISTINCT, UNION and indexes go by the operator class of bytea; lint finds them, too.
-- Who means the bytes, as a compare-and-swap does, says so: col::bytea = $1::bytea
DO $$
DECLARE
    pair record;
    op text;
BEGIN
    FOR pair IN
        SELECT l, r FROM (VALUES ('redoubt.rf1', 'redoubt.rf1'), ('redoubt.rf1', 'bytea'), ('bytea', 'redoubt.rf1'),
            ('redoubt.searchable', 'redoubt.searchable'), ('redoubt.searchable', 'bytea'), ('bytea', 'redoubt.searchable'),
            ('redoubt.rf1', 'redoubt.searchable'), ('redoubt.searchable', 'redoubt.rf1'),
            ('redoubt.rd1', 'redoubt.rd1'), ('redoubt.rd1', 'text'), ('text', 'redoubt.rd1')) AS pairs (l, r)
    LOOP
        EXECUTE format('CREATE FUNCTION redoubt.no_compare(%s, %s) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE '
            'SET search_path = pg_catalog AS %L', pair.l, pair.r,
            'BEGIN RAISE ''redoubt: encrypted values do not compare'' USING ERRCODE = ''feature_not_supported'', '
            'HINT = ''Compare redoubt.token(column) with a token that the application makes; to compare the bytes, cast the column to bytea.''; END');
        FOREACH op IN ARRAY ARRAY['=', '<>', '<', '<=', '>', '>=', '~~', '!~~']
            || CASE WHEN pair.l ~ 'rd1|text' THEN ARRAY['~~*', '!~~*', '~', '~*', '!~', '!~*'] ELSE '{}' END
        LOOP
            EXECUTE format('CREATE OPERATOR redoubt.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = redoubt.no_compare)', op, pair.l, pair.r);
        END LOOP;
    END LOOP;
END $$;

-- ---- Columns ----

-- For progress and discovery, and trusted by nobody: who writes the database could write here. Keys and places come from
-- the catalogue file of the client.
CREATE TABLE redoubt.columns (
    id uuid PRIMARY KEY,               -- the column's UUID in the catalogue file
    relation regclass NOT NULL,
    attname name NOT NULL,
    attnum smallint NOT NULL,          -- survives a renaming
    relation_was oid NOT NULL,         -- another one after a restore, when the number may be another's
    added timestamptz NOT NULL DEFAULT now(),
    UNIQUE (relation, attname)
);

-- 'bytea' or 'text': how the column holds its values
CREATE FUNCTION redoubt.form(rel regclass, col name) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    type oid;
    base oid;
BEGIN
    SELECT atttypid INTO type FROM pg_attribute WHERE attrelid = rel AND attname = col AND attnum > 0 AND NOT attisdropped;
    IF NOT FOUND THEN
        RAISE 'redoubt: % has no column %', rel, col USING ERRCODE = 'undefined_column';
    END IF;
    LOOP
        SELECT typbasetype INTO base FROM pg_type WHERE oid = type AND typtype = 'd';
        EXIT WHEN NOT FOUND;
        type := base;
    END LOOP;
    IF type = 'bytea'::regtype THEN
        RETURN 'bytea';
    ELSIF type IN ('text'::regtype, 'varchar'::regtype) THEN
        RETURN 'text';
    END IF;
    RAISE 'redoubt: column % of % is of type %, where no encrypted values are', col, rel, format_type(type, NULL)
        USING ERRCODE = 'wrong_object_type';
END $$;

-- The column as SQL that yields the bytes of its value, written as PostgreSQL itself writes it out
CREATE FUNCTION redoubt.bytes_of(rel regclass, col name, prefix text DEFAULT '') RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    form text := redoubt.form(rel, col);
    plain boolean := (SELECT atttypid = form::regtype FROM pg_attribute WHERE attrelid = rel AND attname = col);
BEGIN
    RETURN format(CASE form WHEN 'text' THEN 'redoubt.bytes(%s)' ELSE '%s' END,
                  format(CASE WHEN plain THEN '%s%I' ELSE '(%s%I)::' || form END, prefix, col));
END $$;

CREATE FUNCTION redoubt.register(rel regclass, col name, id uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM redoubt.form(rel, col);
    INSERT INTO redoubt.columns (id, relation, attname, attnum, relation_was)
        SELECT register.id, rel, attname, attnum, rel FROM pg_attribute WHERE attrelid = rel AND attname = col
        ON CONFLICT ON CONSTRAINT columns_pkey DO UPDATE
            SET relation = excluded.relation, attname = excluded.attname, attnum = excluded.attnum, relation_was = excluded.relation_was;
END $$;

CREATE FUNCTION redoubt.unregister(id uuid) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM redoubt.columns c WHERE c.id = unregister.id;
    RETURN FOUND;
END $$;

-- Where the registered columns are now: by number, after a restore by name. Where both are there and differ, nobody knows, and "col" is NULL.
CREATE VIEW redoubt.places AS
    SELECT c.id, c.relation, CASE WHEN n.attnum IS NULL OR b.attnum IS NULL OR n.attnum = b.attnum THEN coalesce(b.attname, n.attname) END AS col
    FROM redoubt.columns c
    LEFT JOIN pg_catalog.pg_attribute n ON n.attrelid = c.relation AND n.attname = c.attname AND n.attnum > 0 AND NOT n.attisdropped
    LEFT JOIN pg_catalog.pg_attribute b ON b.attrelid = c.relation AND b.attnum = c.attnum AND NOT b.attisdropped
        AND c.relation_was = c.relation::oid;

-- Values by handle and epoch, of the column and of all tables below. "handle" is NULL where a value is none of ours.
-- percent: below 100 only so much of the table's pages is read (a bound for nothing).
CREATE FUNCTION redoubt.epochs(rel regclass, col name, percent real DEFAULT 100)
    RETURNS TABLE (handle bigint, epoch integer, index_epoch integer, n bigint)
    LANGUAGE plpgsql SET search_path = pg_catalog SET row_security = off AS $$
BEGIN
    -- The header says all, so that a row costs one look at its first bytes; it is taken apart once per group.
    RETURN QUERY EXECUTE format(
        'SELECT (''x'' || encode(substring(h, 3, 4), ''hex''))::bit(32)::int8, get_byte(h, 6) * 256 + get_byte(h, 7), i, sum(k)::int8 '
        'FROM (SELECT redoubt.header(v) AS h, redoubt.index_epoch(v) AS i, count(*) AS k '
        '      FROM (SELECT %s AS v FROM %s%s WHERE %I IS NOT NULL) AS a GROUP BY 1, 2) AS b GROUP BY 1, 2, 3 ORDER BY 1, 2, 3',
        redoubt.bytes_of(rel, col), rel, CASE WHEN percent < 100 THEN format(' TABLESAMPLE SYSTEM (%s)', percent) ELSE '' END, col);
END $$;

-- The registered columns' epochs. A column that cannot be counted has a row whose note says why.
CREATE FUNCTION redoubt.progress(percent real DEFAULT 100)
    RETURNS TABLE (id uuid, relation text, col name, handle bigint, epoch integer, index_epoch integer, n bigint, note text)
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    place record;
BEGIN
    FOR place IN SELECT p.id, p.relation, p.col FROM redoubt.places p ORDER BY p.relation::text, p.col LOOP
        IF place.col IS NULL THEN
            RETURN QUERY SELECT place.id, place.relation::text, NULL::name, NULL::int8, NULL::int4, NULL::int4, NULL::int8, 'not there any more, or no longer clear which: register it again'::text;
            CONTINUE;
        END IF;
        BEGIN
            RETURN QUERY SELECT place.id, place.relation::text, place.col, e.handle, e.epoch, e.index_epoch, e.n, NULL::text
                FROM redoubt.epochs(place.relation, place.col, percent) AS e;
        EXCEPTION WHEN OTHERS THEN -- its SQLSTATE only: a message could quote something
            RETURN QUERY SELECT place.id, place.relation::text, place.col, NULL::int8, NULL::int4, NULL::int4, NULL::int8, 'not counted: ' || SQLSTATE;
        END;
    END LOOP;
END $$;

CREATE VIEW redoubt.progress AS SELECT * FROM redoubt.progress(100);

GRANT SELECT ON redoubt.columns, redoubt.places, redoubt.progress TO PUBLIC; -- counting needs the right to read the column itself

-- ---- The fence: no value of an old epoch comes in any more (SECURITY-DESIGN section 9) ----

-- The rule of fences and constraints. Epochs count per handle: minima is {"handle": epoch, ...}, and other handles have min_epoch
-- (65536 there refuses them all). It reads no table, so that constraint, subscriber and restored dump judge alike.
CREATE FUNCTION redoubt.allowed(value bytea, min_epoch integer, minima jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value IS NULL THEN true
        ELSE coalesce(redoubt.epoch(value) OPERATOR(pg_catalog.>=)
            CASE WHEN minima OPERATOR(pg_catalog.=) '{}'::pg_catalog.jsonb THEN min_epoch
                 ELSE coalesce((minima OPERATOR(pg_catalog.->>) redoubt.key_handle(value)::pg_catalog.text)::pg_catalog.int4, min_epoch) END, false)
    END $$;

-- What a fence's trigger does with a value that its WHEN found: it was there before, or it is refused.
CREATE FUNCTION redoubt.refuse() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    col name;
    same boolean := false;
BEGIN
    SELECT a.attname INTO STRICT col
        FROM pg_trigger t JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = t.tgattr[0]
        WHERE t.tgrelid = TG_RELID AND t.tgname = TG_NAME;
    IF TG_OP = 'UPDATE' THEN
        -- Programs that write all columns of a row write back what they read; the number of old values does not grow by it.
        EXECUTE format('SELECT ($1).%1$I::text IS NOT DISTINCT FROM ($2).%1$I::text', col) INTO same USING OLD, NEW;
    END IF;
    IF same THEN
        RETURN NEW;
    END IF;
    RAISE 'redoubt: the fence of %.%.% refuses a value: it is not encrypted, or under an epoch that is no longer written',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, col
        USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = col, CONSTRAINT = TG_NAME,
            HINT = 'The writer has to take the newest key: restart it, or wait until its keys are fetched again.';
END $$;

-- The relation and all below it that hold rows or take part in it
CREATE FUNCTION redoubt.tree(rel regclass) RETURNS TABLE (relation regclass, kind "char", partition boolean)
    LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    WITH RECURSIVE down AS (
        SELECT rel::oid AS at
        UNION SELECT i.inhrelid FROM pg_inherits i JOIN down d ON i.inhparent = d.at)
    SELECT c.oid::regclass, c.relkind, c.relispartition FROM down d JOIN pg_class c ON c.oid = d.at $$;

-- The fences of a column: of this relation alone
CREATE FUNCTION redoubt.fences(rel regclass, col name) RETURNS TABLE (trigger name, enabled "char", clone boolean, definition text)
    LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT t.tgname, t.tgenabled, t.tgparentid <> 0, pg_get_triggerdef(t.oid)
    FROM pg_trigger t JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = t.tgattr[0]
    WHERE t.tgrelid = rel AND t.tgfoid = 'redoubt.refuse()'::regprocedure AND a.attname = col $$;

-- The constraints that redoubt.constrain() made for a column: of this relation alone
CREATE FUNCTION redoubt.constraints(rel regclass, col name) RETURNS TABLE (name name, validated boolean, inherited boolean, definition text)
    LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT c.conname, c.convalidated, NOT c.conislocal, pg_get_constraintdef(c.oid)
    FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND ARRAY[a.attnum] = c.conkey
    WHERE c.conrelid = rel AND c.contype = 'c' AND c.conname LIKE 'redoubt\_epoch\_%' AND a.attname = col $$;

-- The rule as PostgreSQL writes it out: what a definition is compared with
CREATE FUNCTION redoubt.rule(rel regclass, col name, min_epoch integer, minima jsonb, prefix text DEFAULT '') RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    handle text;
    least jsonb;
BEGIN
    IF min_epoch IS NULL OR min_epoch NOT BETWEEN 1 AND 65536 THEN
        RAISE 'redoubt: an epoch is 1 to 65535, and 65536 is above all' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF minima IS NULL OR jsonb_typeof(minima) <> 'object' THEN
        RAISE 'redoubt: epochs by handle are an object: {"handle": epoch}' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR handle, least IN SELECT * FROM jsonb_each(minima) LOOP
        IF handle !~ '^(0|[1-9][0-9]{0,9})$' OR least::text !~ '^[1-9][0-9]{0,4}$' OR handle::int8 > 4294967295 OR least::text::int4 > 65536 THEN
            RAISE 'redoubt: {"%": %}: a handle has 32 bits, an epoch is 1 to 65535 (65536 is above all)', handle, least USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END LOOP;
    RETURN format('redoubt.allowed(%s, %s, %L::jsonb)', redoubt.bytes_of(rel, col, prefix), min_epoch, minima);
END $$;

-- Locks are waited for at most 3 s, since whoever comes later waits behind: try again (or set lock_timeout oneself).
CREATE FUNCTION redoubt.lock_briefly(rel regclass, mode text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    before text := current_setting('lock_timeout');
BEGIN
    IF before = '0' THEN
        PERFORM set_config('lock_timeout', '3s', true);
    END IF;
    EXECUTE format('LOCK TABLE %s IN %s MODE', rel, mode);
    PERFORM set_config('lock_timeout', before, true);
END $$;

-- Puts a fence, in the place of an older one. From its COMMIT on nothing that the rule refuses comes in: by INSERT, UPDATE, COPY or
-- replication (ENABLE ALWAYS). What is there already stays, and its rows may be changed in other columns.
CREATE FUNCTION redoubt.fence(rel regclass, col name, min_epoch integer, minima jsonb DEFAULT '{}') RETURNS name
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    rule text := redoubt.rule(rel, col, min_epoch, minima, 'NEW.');
    old name;
    made name;
    at record;
    n integer := 0;
BEGIN
    PERFORM redoubt.lock_briefly(rel, CASE WHEN EXISTS (SELECT 1 FROM redoubt.fences(rel, col)) THEN 'ACCESS EXCLUSIVE' ELSE 'SHARE ROW EXCLUSIVE' END);
    FOR at IN SELECT * FROM redoubt.tree(rel) LOOP
        IF at.kind NOT IN ('r', 'p') THEN
            RAISE 'redoubt: % is no table, and cannot be fenced', at.relation USING ERRCODE = 'wrong_object_type';
        END IF;
        FOR old IN SELECT f.trigger FROM redoubt.fences(at.relation, col) f WHERE NOT f.clone LOOP
            EXECUTE format('DROP TRIGGER %I ON %s', old, at.relation);
        END LOOP;
    END LOOP;
    -- Triggers fire by name: this one after what may still change the value.
    LOOP
        made := left('zz_redoubt_fence_' || col, 50) || CASE n WHEN 0 THEN '' ELSE '_' || n END;
        EXIT WHEN NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = made AND tgrelid IN (SELECT relation FROM redoubt.tree(rel)));
        n := n + 1;
    END LOOP;
    FOR at IN SELECT * FROM redoubt.tree(rel) LOOP
        IF at.relation = rel OR NOT at.partition THEN -- a partition gets its parent's by itself
            EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OF %I ON %s FOR EACH ROW WHEN (NOT %s) EXECUTE FUNCTION redoubt.refuse()',
                made, col, at.relation, rule);
        END IF;
    END LOOP;
    FOR at IN SELECT * FROM redoubt.tree(rel) LOOP
        EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER %I', at.relation, made);
    END LOOP;
    RETURN made;
END $$;

-- Takes the fence away, and the constraint before it: one without a fence would print whole rows into the log.
CREATE FUNCTION redoubt.unfence(rel regclass, col name) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    at regclass;
    old name;
    any_gone boolean := false;
BEGIN
    PERFORM redoubt.form(rel, col);
    PERFORM redoubt.lock_briefly(rel, 'ACCESS EXCLUSIVE');
    FOR at, old IN SELECT rel, c.name FROM redoubt.constraints(rel, col) c WHERE NOT c.inherited LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', at, old);
    END LOOP;
    FOR at, old IN SELECT t.relation, f.trigger FROM redoubt.tree(rel) t, redoubt.fences(t.relation, col) f WHERE NOT f.clone LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', old, at);
        any_gone := true;
    END LOOP;
    RETURN any_gone;
END $$;

-- ---- Proof ----

-- Whether each table under rel has a fence that cannot be switched off by a session, and of just this rule
CREATE FUNCTION redoubt.is_fenced(rel regclass, col name, min_epoch integer, minima jsonb DEFAULT '{}') RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    rule text := format(' FOR EACH ROW WHEN ((NOT %s)) EXECUTE FUNCTION redoubt.refuse()',
        redoubt.rule(rel, col, min_epoch, minima, 'new.'));
BEGIN
    RETURN NOT EXISTS (
        SELECT 1 FROM redoubt.tree(rel) t WHERE NOT EXISTS (
            SELECT 1 FROM redoubt.fences(t.relation, col) f
            WHERE f.enabled = 'A' AND position(format('BEFORE INSERT OR UPDATE OF %I ON ', col) IN f.definition) > 0
                AND right(f.definition, length(rule)) = rule));
END $$;

-- Adds the CHECK, NOT VALID: a short lock. Only with the fence there and nothing old left; else rows that wait for the sweep could
-- not be changed, and its error would print them.
CREATE FUNCTION redoubt.constrain(rel regclass, col name, min_epoch integer, minima jsonb DEFAULT '{}') RETURNS name
    LANGUAGE plpgsql SET search_path = pg_catalog SET row_security = off AS $$
DECLARE
    rule text := redoubt.rule(rel, col, min_epoch, minima);
    made name;
    old name;
    n integer := 0;
    left_over boolean;
BEGIN
    IF NOT redoubt.is_fenced(rel, col, min_epoch, minima) THEN
        RAISE 'redoubt: column % of % has no fence for these epochs', col, rel USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Call redoubt.fence() with the same epochs first.';
    END IF;
    SELECT c.name INTO made FROM redoubt.constraints(rel, col) c
        WHERE c.definition IN (format('CHECK (%s)', rule), format('CHECK (%s) NOT VALID', rule));
    IF FOUND THEN
        RETURN made;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s WHERE NOT %s)', rel, rule) INTO left_over;
    IF left_over THEN
        RAISE 'redoubt: column % of % still holds values that these epochs refuse', col, rel USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'redoubt.epochs() counts them; "redoubt column rotate" encrypts them again.';
    END IF;
    PERFORM redoubt.lock_briefly(rel, 'ACCESS EXCLUSIVE');
    LOOP
        made := left('redoubt_epoch_' || col, 50) || CASE n WHEN 0 THEN '' ELSE '_' || n END;
        EXIT WHEN NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = made AND conrelid IN (SELECT relation FROM redoubt.tree(rel)));
        n := n + 1;
    END LOOP;
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (%s) NOT VALID', rel, made, rule);
    FOR old IN SELECT c.name FROM redoubt.constraints(rel, col) c WHERE NOT c.inherited AND c.name <> made LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', rel, old);
    END LOOP;
    RETURN made;
END $$;

-- VALIDATE of that CHECK: a scan under a lock that stops neither reading nor writing; in a transaction of its own. What stands
-- in the catalogue afterwards is PostgreSQL's own word that no such row is there.
CREATE FUNCTION redoubt.validate(rel regclass, col name, min_epoch integer, minima jsonb DEFAULT '{}') RETURNS name
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    rule text := format('CHECK (%s)', redoubt.rule(rel, col, min_epoch, minima));
    found_one name;
BEGIN
    SELECT c.name INTO found_one FROM redoubt.constraints(rel, col) c WHERE c.definition IN (rule, rule || ' NOT VALID');
    IF NOT FOUND THEN
        RAISE 'redoubt: column % of % has no constraint for these epochs', col, rel USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Call redoubt.constrain() with the same epochs first, and commit.';
    END IF;
    EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', rel, found_one);
    RETURN found_one;
END $$;

-- What the database itself can say of a column: facts for the statement that "redoubt column prove" signs after it has
-- decrypted every value. Trusted by nobody alone, since it is the database's word.
CREATE FUNCTION redoubt.prove(rel regclass, col name, min_epoch integer, minima jsonb DEFAULT '{}') RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog SET row_security = off AS $$
DECLARE
    rule text := redoubt.rule(rel, col, min_epoch, minima);
    counted jsonb;
    below jsonb;
BEGIN
    -- one statement, so one snapshot for all counts
    EXECUTE format(
        'SELECT jsonb_build_object(''snapshot'', pg_current_snapshot()::text, ''rows'', sum(k), ''nulls'', coalesce(sum(k) FILTER (WHERE none), 0),'
        ' ''unencrypted'', coalesce(sum(k) FILTER (WHERE NOT none AND h IS NULL), 0), ''refused'', coalesce(sum(k) FILTER (WHERE NOT ok), 0),'
        ' ''counts'', coalesce(jsonb_agg(jsonb_build_object(''handle'', (''x'' || encode(substring(h, 3, 4), ''hex''))::bit(32)::int8,'
        '   ''epoch'', get_byte(h, 6) * 256 + get_byte(h, 7), ''suite'', get_byte(h, 1), ''index_epoch'', i, ''n'', k) ORDER BY h, i) FILTER (WHERE h IS NOT NULL), ''[]''))'
        ' FROM (SELECT %2$I IS NULL AS none, redoubt.header(%1$s) AS h, redoubt.index_epoch(%1$s) AS i, %3$s AS ok, count(*) AS k FROM %4$s GROUP BY 1, 2, 3, 4) AS a',
        redoubt.bytes_of(rel, col), col, rule, rel) INTO counted;
    IF counted->'rows' = 'null' THEN
        counted := counted || '{"rows": 0}';
    END IF;
    SELECT coalesce(jsonb_agg(jsonb_build_object('relation', t.relation::text, 'kind', t.kind, 'size_bytes', pg_total_relation_size(t.relation),
        'fences', (SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]') FROM redoubt.fences(t.relation, col) f),
        'constraints', (SELECT coalesce(jsonb_agg(to_jsonb(c)), '[]') FROM redoubt.constraints(t.relation, col) c)) ORDER BY t.relation::text), '[]')
        INTO below FROM redoubt.tree(rel) t;
    RETURN counted || jsonb_build_object(
        'format', 'redoubt-column-facts-1', 'version', redoubt.version(), 'server_version', current_setting('server_version'),
        'database', current_database(), 'relation', rel::text, 'oid', rel::oid::int8, 'column', col, 'type', redoubt.form(rel, col),
        'min_epoch', min_epoch, 'minima', minima, 'tables', below, 'fenced', redoubt.is_fenced(rel, col, min_epoch, minima),
        'convalidated', NOT EXISTS (SELECT 1 FROM redoubt.tree(rel) t WHERE NOT EXISTS (
            SELECT 1 FROM redoubt.constraints(t.relation, col) c WHERE c.validated AND c.definition = format('CHECK (%s)', rule))),
        'standby', pg_is_in_recovery(), 'lsn', CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END,
        'time', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'));
END $$;

COMMIT;
