"""The questions to pg_catalog. Each takes the exposed schemas as $1 and answers one JSON document."""

from __future__ import annotations

_BASES = """
bases AS (
  WITH RECURSIVE down AS (
    SELECT oid, typbasetype, oid AS base FROM pg_type
    UNION ALL
    SELECT d.oid, t.typbasetype, t.oid FROM down d JOIN pg_type t ON t.oid = d.typbasetype
  )
  SELECT oid, base FROM down WHERE typbasetype = 0
)"""

TABLES = f"""
WITH {_BASES},
columns AS (
  SELECT a.attrelid, json_agg(json_build_object(
    'name', a.attname,
    'comment', col_description(a.attrelid, a.attnum),
    'nullable', NOT (a.attnotnull OR t.typnotnull),
    'type', format_type(a.atttypid, a.atttypmod),
    'base', CASE WHEN t.typtype = 'd' AND bt.typnamespace = 'pg_catalog'::regnamespace THEN format_type(b.base, NULL)
                 WHEN t.typtype <> 'd' AND t.typnamespace = 'pg_catalog'::regnamespace THEN format_type(a.atttypid, NULL)
                 ELSE format_type(a.atttypid, a.atttypmod) END,
    'below', CASE WHEN t.typtype = 'd' THEN format_type(b.base, NULL) END,
    'length', information_schema._pg_char_max_length(
      information_schema._pg_truetypid(a.*, t.*), information_schema._pg_truetypmod(a.*, t.*)),
    'default', CASE WHEN a.attgenerated = 's' OR a.attidentity = 'a' THEN NULL
                    WHEN a.attidentity = 'd' THEN
                      (SELECT format('nextval(%L)', q.objid::regclass) FROM pg_depend q
                       WHERE q.classid = 'pg_class'::regclass AND q.deptype = 'i'
                         AND q.refobjid = a.attrelid AND q.refobjsubid = a.attnum)
                    WHEN ad.adbin IS NULL AND t.typtype = 'd' THEN pg_get_expr(t.typdefaultbin, 0)
                    ELSE pg_get_expr(ad.adbin, ad.adrelid) END,
    'generated', CASE WHEN a.attgenerated = 's' THEN pg_get_expr(ad.adbin, ad.adrelid)
                      WHEN a.attidentity = 'a' THEN 'identity' END,
    'identity', a.attidentity <> '',
    'choices', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = b.base),
    'enum', CASE WHEN bt.typtype = 'e' THEN bt.typname END
  ) ORDER BY a.attnum) AS listed
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_type t ON t.oid = a.atttypid
  JOIN bases b ON b.oid = t.oid
  JOIN pg_type bt ON bt.oid = b.base
  LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname = ANY ($1)
  GROUP BY a.attrelid
),
keys AS (
  SELECT k.conrelid, json_agg(json_build_object(
    'name', k.conname, 'primary', k.contype = 'p',
    'columns', (SELECT json_agg(a.attname ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
                JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number)
  ) ORDER BY k.conname) AS listed
  FROM pg_constraint k WHERE k.contype IN ('p', 'u') GROUP BY k.conrelid
)
SELECT coalesce(json_agg(json_build_object(
  'schema', n.nspname, 'name', c.relname, 'comment', obj_description(c.oid, 'pg_class'), 'kind', c.relkind,
  'exposed', n.nspname = ANY ($1),
  'insertable', c.relkind IN ('r', 'p') OR (c.relkind IN ('v', 'f') AND pg_relation_is_updatable(c.oid, TRUE) & 8 = 8),
  'updatable', c.relkind IN ('r', 'p') OR (c.relkind IN ('v', 'f') AND pg_relation_is_updatable(c.oid, TRUE) & 4 = 4),
  'deletable', c.relkind IN ('r', 'p') OR (c.relkind IN ('v', 'f') AND pg_relation_is_updatable(c.oid, TRUE) & 16 = 16),
  'columns', columns.listed, 'keys', keys.listed
) ORDER BY n.nspname, c.relname), '[]')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN columns ON columns.attrelid = c.oid
LEFT JOIN keys ON keys.conrelid = c.oid
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
  AND (n.nspname = ANY ($1) OR keys.listed IS NOT NULL)"""

FOREIGN_KEYS = """
WITH uniques AS (
  SELECT conrelid, array_agg(number ORDER BY number) AS columns
  FROM pg_constraint, unnest(conkey) AS number WHERE contype IN ('p', 'u') GROUP BY pg_constraint.oid, conrelid
)
SELECT coalesce(json_agg(json_build_object(
  'name', k.conname, 'schema', n.nspname, 'table', c.relname, 'target_schema', fn.nspname, 'target', f.relname,
  'columns', p.mine, 'target_columns', p.theirs, 'ondelete', k.confdeltype, 'onupdate', k.confupdtype,
  'single', p.numbers IN (SELECT columns FROM uniques WHERE conrelid = k.conrelid)
) ORDER BY k.conrelid, k.conname), '[]')
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class f ON f.oid = k.confrelid
JOIN pg_namespace fn ON fn.oid = f.relnamespace
JOIN LATERAL (
  SELECT json_agg(a.attname ORDER BY u.place) AS mine, json_agg(fa.attname ORDER BY u.place) AS theirs,
         array_agg(a.attnum ORDER BY a.attnum) AS numbers
  FROM unnest(k.conkey, k.confkey) WITH ORDINALITY AS u (number, far, place)
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number
  JOIN pg_attribute fa ON fa.attrelid = k.confrelid AND fa.attnum = u.far
) AS p ON TRUE
WHERE k.contype = 'f' AND k.conparentid = 0 AND $1::text[] IS NOT NULL"""

VIEWS = """
SELECT coalesce(json_agg(json_build_object(
  'oid', c.oid::bigint, 'schema', n.nspname, 'name', c.relname, 'exposed', n.nspname = ANY ($1), 'definition', r.ev_action::text,
  'columns', (SELECT json_object_agg(a.attnum, a.attname) FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
)), '[]')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_rewrite r ON r.ev_class = c.oid AND r.ev_type = '1'
WHERE c.relkind IN ('v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"""

ORIGINS = """
SELECT coalesce(json_object_agg(c.oid, json_build_object('schema', n.nspname, 'name', c.relname, 'columns',
  (SELECT json_object_agg(a.attnum, a.attname) FROM pg_attribute a
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))), '{}')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE EXISTS (SELECT FROM pg_constraint k WHERE k.contype IN ('p', 'f') AND c.oid IN (k.conrelid, k.confrelid))
  AND $1::text[] IS NOT NULL"""

ROUTINES = f"""
WITH {_BASES}
SELECT coalesce(json_agg(json_build_object(
  'schema', n.nspname, 'name', p.proname, 'comment', obj_description(p.oid, 'pg_proc'), 'volatility', p.provolatile,
  'settings', p.proconfig, 'many', p.proretset, 'type_schema', tn.nspname, 'type', coalesce(c.relname, t.typname),
  'composite', t.typtype = 'c' OR coalesce(p.proargmodes::text[] && '{{t,b,o}}', FALSE),
  'parameters', (
    SELECT json_agg(json_build_object(
      'name', coalesce(g.name, ''), 'type', g.type::regtype::text, 'mode', g.mode,
      'required', g.place <= p.pronargs - p.pronargdefaults) ORDER BY g.place)
    FROM unnest(p.proargnames, p.proargtypes, p.proargmodes) WITH ORDINALITY AS g (name, type, mode, place)
    WHERE g.type IS NOT NULL)
) ORDER BY n.nspname, p.proname, p.pronargs, p.oid), '[]')
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN bases b ON b.oid = p.prorettype
JOIN pg_type t ON t.oid = b.base
JOIN pg_namespace tn ON tn.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE p.prokind = 'f' AND t.oid <> 'trigger'::regtype AND n.nspname = ANY ($1)"""

COMPUTED = """
WITH row_types AS (
  SELECT c.reltype, c.relname, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('v', 'r', 'm', 'f', 'p')
)
SELECT coalesce(json_agg(json_build_object(
  'schema', n.nspname, 'name', p.proname, 'source_schema', s.nspname, 'source', s.relname,
  'target_schema', f.nspname, 'target', f.relname, 'single', NOT p.proretset OR p.prorows = 1
) ORDER BY p.oid), '[]')
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN row_types s ON s.reltype = p.proargtypes[0]
JOIN row_types f ON f.reltype = p.prorettype
WHERE p.pronargs = 1 AND $1::text[] IS NOT NULL"""

REPRESENTATIONS = """
SELECT coalesce(json_agg(json_build_object(
  'source', k.castsource::regtype::text, 'target', k.casttarget::regtype::text,
  'schema', n.nspname, 'function', p.proname)), '[]')
FROM pg_cast k
JOIN pg_type s ON s.oid = k.castsource
JOIN pg_type t ON t.oid = k.casttarget
JOIN pg_proc p ON p.oid = k.castfunc
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE k.castcontext = 'i' AND k.castmethod = 'f' AND has_function_privilege(k.castfunc, 'execute') AND $1::text[] IS NOT NULL
  AND ((s.typtype = 'd' AND k.casttarget IN ('json'::regtype, 'text'::regtype))
    OR (t.typtype = 'd' AND k.castsource IN ('json'::regtype, 'text'::regtype)))"""

HANDLERS = """
WITH media AS (
  SELECT t.oid, lower(t.typname) AS name, t.typname, n.nspname,
         CASE t.typname WHEN '*/*' THEN 'application/octet-stream' ELSE t.typname END AS made
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  WHERE t.typbasetype <> 0 AND (t.typname ~* '^[A-Za-z0-9.-]+/[A-Za-z0-9.\\+-]+$' OR t.typname = '*/*')
),
handlers AS (
  SELECT m.name, m.made, n.nspname AS function_schema, p.proname AS function,
         CASE WHEN a.typname <> 'anyelement' THEN an.nspname END AS rows_schema,
         CASE WHEN a.typname <> 'anyelement' THEN a.typname END AS rows_of
  FROM media m
  JOIN pg_proc p ON p.prorettype = m.oid AND p.pronargs = 1
  JOIN pg_aggregate g ON g.aggfnoid = p.oid
  JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_type a ON a.oid = p.proargtypes[0]
  JOIN pg_namespace an ON an.oid = a.typnamespace
  WHERE n.nspname = ANY ($1) AND (a.typname = 'anyelement' OR EXISTS (SELECT FROM pg_class c WHERE c.reltype = a.oid))
  UNION
  SELECT m.name, m.made, m.nspname, m.typname, n.nspname, p.proname
  FROM pg_proc p
  JOIN media m ON m.oid = p.prorettype
  JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname = ANY ($1) AND NOT p.proretset AND p.prokind = 'f'
)
SELECT coalesce(json_agg(handlers), '[]') FROM handlers"""

TYPES = """
SELECT coalesce(json_object_agg(name, spelled), '{}') FROM (
  SELECT DISTINCT ON (name) name, spelled FROM (
    SELECT t.typname::text AS name, format('%I.%I', n.nspname, t.typname) AS spelled, n.nspname = 'pg_catalog' AS own
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typtype IN ('b', 'd', 'e', 'r', 'c', 'm')
      AND (n.nspname = ANY ($1) OR n.nspname IN ('pg_catalog', 'public', 'extensions'))
    UNION ALL
    SELECT format_type(t.oid, NULL), format_type(t.oid, NULL), TRUE
    FROM pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'r', 'm')
  ) AS every ORDER BY name, own DESC
) AS kept"""

COMMENTS = """
SELECT coalesce(json_object_agg(n.nspname, obj_description(n.oid, 'pg_namespace')), '{}')
FROM pg_namespace n WHERE n.nspname = ANY ($1)"""

EVERY = {
    "tables": TABLES,
    "foreign_keys": FOREIGN_KEYS,
    "views": VIEWS,
    "origins": ORIGINS,
    "routines": ROUTINES,
    "computed": COMPUTED,
    "representations": REPRESENTATIONS,
    "handlers": HANDLERS,
    "types": TYPES,
    "comments": COMMENTS,
}
