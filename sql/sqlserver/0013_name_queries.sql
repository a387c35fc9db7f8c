-- Purpose: Orleans reads its texts as QueryKey and QueryText of OrleansQuery. A database with a case-sensitive collation does not find
-- the table orleansquery by that name, so there a view has Orleans' spelling. Elsewhere the names are the same, and nothing is made.
-- Rows: those of orleansquery.
-- Indexes: none of its own; Orleans reads all rows when a process starts.
-- Two at once: the migrator's lock lets one process through. A view locks nothing, and what reads it locks rows of the table as before.

set quoted_identifier on; set ansi_nulls on; set xact_abort on;

-- The text of a view must be a batch of its own.
if object_id(N'OrleansQuery') is null
    exec (N'create view OrleansQuery (QueryKey, QueryText) as select querykey, querytext from orleansquery');

insert into schema_version (script_name) values (N'0013_name_queries');
