"""The questions to pg_catalog that app mode asks besides: checks, indexes and what else a database holds its rows to."""

from __future__ import annotations

INDEXES = """
SELECT coalesce(json_agg(json_build_object(
  'schema', n.nspname, 'table', t.relname, 'name', c.relname, 'unique', i.indisunique, 'columns', parts.names,
  'falling', parts.falling, 'plain', i.indexprs IS NULL AND i.indpred IS NULL, 'kind', m.amname, 'valid', i.indisvalid,
  'definition', pg_get_indexdef(i.indexrelid), 'where', pg_get_expr(i.indpred, i.indrelid)
) ORDER BY c.relname), '[]')
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
JOIN pg_am m ON m.oid = c.relam
LEFT JOIN LATERAL (
  SELECT json_agg(a.attname ORDER BY u.place) AS names, json_agg(i.indoption[u.place - 1] & 1 = 1 ORDER BY u.place) AS falling
  FROM unnest(i.indkey) WITH ORDINALITY AS u (number, place)
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.number
  WHERE u.place <= i.indnkeyatts
) AS parts ON TRUE
WHERE n.nspname = ANY ($1) AND NOT t.relispartition
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))"""

EXCLUSIONS = """
SELECT coalesce(json_agg(json_build_object(
  'schema', n.nspname, 'table', t.relname, 'name', k.conname, 'definition', pg_get_constraintdef(k.oid), 'method', m.amname,
  'where', pg_get_expr(i.indpred, i.indrelid), 'columns', (SELECT json_agg(a.attname) FROM pg_attribute a
                                                           WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped)
) ORDER BY k.conname), '[]')
FROM pg_constraint k
JOIN pg_index i ON i.indexrelid = k.conindid
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am m ON m.oid = c.relam
JOIN pg_class t ON t.oid = k.conrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE k.contype = 'x' AND n.nspname = ANY ($1) AND NOT t.relispartition"""

COLLATIONS = """
SELECT coalesce(json_agg(json_build_object(
  'schema', n.nspname, 'table', t.relname, 'column', a.attname, 'collation', l.collname,
  'visible', pg_collation_is_visible(l.oid), 'own', l.collnamespace = 'pg_catalog'::regnamespace
) ORDER BY a.attrelid, a.attnum), '[]')
FROM pg_attribute a
JOIN pg_class t ON t.oid = a.attrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
JOIN pg_collation l ON l.oid = a.attcollation
WHERE n.nspname = ANY ($1) AND t.relkind IN ('r', 'p', 'f') AND NOT t.relispartition AND a.attnum > 0 AND NOT a.attisdropped
  AND NOT (l.collnamespace = 'pg_catalog'::regnamespace AND l.collname IN ('default', 'C', 'POSIX', 'ucs_basic'))"""

COUNTERS = """
SELECT coalesce(json_agg(json_build_object(
  'schema', n.nspname, 'table', t.relname, 'column', a.attname, 'start', s.seqstart, 'step', s.seqincrement
) ORDER BY a.attrelid, a.attnum), '[]')
FROM pg_sequence s
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.refclassid = 'pg_class'::regclass
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
JOIN pg_class t ON t.oid = a.attrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname = ANY ($1) AND (s.seqstart <> 1 OR s.seqincrement <> 1)"""

TIMED = """
SELECT coalesce(json_agg(json_build_object(
  'schema', n.nspname, 'table', t.relname, 'name', k.conname, 'late', k.condeferrable, 'full', k.confmatchtype = 'f'
) ORDER BY k.conname), '[]')
FROM pg_constraint k
JOIN pg_class t ON t.oid = k.conrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE k.contype IN ('p', 'u', 'f') AND (k.condeferrable OR k.confmatchtype = 'f') AND n.nspname = ANY ($1)
  AND NOT t.relispartition"""

CHECKS = """
SELECT coalesce(json_agg(json_build_object(
  'schema', n.nspname, 'table', t.relname, 'name', k.conname, 'sql', pg_get_expr(k.conbin, k.conrelid),
  'enforced', coalesce((to_jsonb(k) ->> 'conenforced')::boolean, TRUE),
  'functions', (SELECT json_agg(DISTINCT d.refobjid::regprocedure::text) FROM pg_depend d
                WHERE d.classid = 'pg_constraint'::regclass AND d.objid = k.oid AND d.refclassid = 'pg_proc'::regclass)
) ORDER BY n.nspname, t.relname, k.conname), '[]')
FROM pg_constraint k
JOIN pg_class t ON t.oid = k.conrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE k.contype = 'c' AND n.nspname = ANY ($1) AND NOT t.relispartition"""

DOMAINS = """
SELECT coalesce(json_agg(json_build_object(
  'schema', n.nspname, 'table', c.relname, 'column', a.attname, 'domain', format_type(t.oid, NULL)
) ORDER BY a.attrelid, a.attnum), '[]')
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition AND NOT a.attisdropped
  AND EXISTS (SELECT FROM pg_constraint k WHERE k.contypid = t.oid)"""

SCATTERED = """
SELECT coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname)), '[]')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($1) AND (c.relkind IN ('p', 'f') OR (c.relkind = 'r' AND c.relhassubclass))"""

ASKED = {
    "checks": CHECKS,
    "collations": COLLATIONS,
    "counters": COUNTERS,
    "domains": DOMAINS,
    "exclusions": EXCLUSIONS,
    "indexes": INDEXES,
    "scattered": SCATTERED,
    "timed": TIMED,
}
