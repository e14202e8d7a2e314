-- Takes Redoubt out of a database. While anything outside the schema "redoubt" uses it, it is refused, and says what: dropping
-- a type with CASCADE would drop the columns of that type, and their values.
--   SET redoubt.uninstall = 'convert';
-- before this script takes away fences and their constraints, and makes columns of its types plain bytea or text; values stay.
-- Indexes, views and functions that use redoubt.token() and others are yours, and have to go before.
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL search_path = pg_catalog;

DO $$
DECLARE
    at record;
    users text;
BEGIN
    IF to_regprocedure('redoubt.version()') IS NULL THEN
        RAISE 'redoubt: not installed here';
    END IF;
    IF current_setting('redoubt.uninstall', true) = 'convert' THEN
        FOR at IN SELECT DISTINCT t.tgrelid::regclass AS rel, a.attname AS col
            FROM pg_trigger t JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = t.tgattr[0]
            WHERE t.tgfoid = 'redoubt.refuse()'::regprocedure AND t.tgparentid = 0 LOOP
            PERFORM redoubt.unfence(at.rel, at.col);
        END LOOP;
        FOR at IN SELECT c.oid::regclass AS rel, a.attname AS col, b.typbasetype::regtype AS base
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type b ON b.oid = a.atttypid
            WHERE b.typnamespace = 'redoubt'::regnamespace AND b.typtype = 'd' AND NOT a.attisdropped AND a.attinhcount = 0
                AND c.relkind IN ('r', 'p') LOOP
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', at.rel, at.col, at.base);
        END LOOP;
    END IF;

    WITH mine AS (
        SELECT 'pg_type'::regclass AS class, oid FROM pg_type WHERE typnamespace = 'redoubt'::regnamespace
        UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = 'redoubt'::regnamespace
        UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relnamespace = 'redoubt'::regnamespace
        UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oprnamespace = 'redoubt'::regnamespace
    ), used AS (
        SELECT d.classid, d.objid, d.objsubid, coalesce(
                (SELECT relnamespace FROM pg_class WHERE d.classid = 'pg_class'::regclass AND oid = d.objid),
                (SELECT typnamespace FROM pg_type WHERE d.classid = 'pg_type'::regclass AND oid = d.objid),
                (SELECT pronamespace FROM pg_proc WHERE d.classid = 'pg_proc'::regclass AND oid = d.objid),
                (SELECT oprnamespace FROM pg_operator WHERE d.classid = 'pg_operator'::regclass AND oid = d.objid),
                (SELECT connamespace FROM pg_constraint WHERE d.classid = 'pg_constraint'::regclass AND oid = d.objid),
                (SELECT c.relnamespace FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid),
                (SELECT c.relnamespace FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE d.classid = 'pg_trigger'::regclass AND t.oid = d.objid),
                (SELECT c.relnamespace FROM pg_attrdef f JOIN pg_class c ON c.oid = f.adrelid WHERE d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid)) AS place
        FROM pg_depend d JOIN mine ON mine.class = d.refclassid AND mine.oid = d.refobjid
    )
    SELECT string_agg(DISTINCT pg_describe_object(classid, objid, objsubid), '; ' ORDER BY pg_describe_object(classid, objid, objsubid)) INTO users
        FROM used WHERE place IS DISTINCT FROM 'redoubt'::regnamespace;
    IF users IS NOT NULL THEN
        RAISE 'redoubt: still in use' USING ERRCODE = 'dependent_objects_still_exist', DETAIL = users,
            HINT = 'To keep the values and take away types and fences: SET redoubt.uninstall = ''convert''; and run this again. The rest is yours to drop.';
    END IF;
    DROP SCHEMA redoubt CASCADE; -- nothing but its own is left
END $$;

COMMIT;
