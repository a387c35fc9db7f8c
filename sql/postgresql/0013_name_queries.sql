-- Purpose: none on PostgreSQL, which folds the names that Orleans spells in its own way. SQL Server may not.
-- Rows: none.
-- Indexes: none.

insert into schema_version (script_name) values ('0013_name_queries');
