-- Purpose: none on SQLite, which compares names without regard to case. SQL Server may not.
-- Rows: none.
-- Indexes: none.

insert into schema_version (script_name, applied_at) values ('0013_name_queries', unixepoch() * 1000000);
