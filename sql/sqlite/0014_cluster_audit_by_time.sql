-- Purpose: none on SQLite, where a table whose key is a text keeps rows in the order of their arrival. SQL Server kept the audit in that
-- of its random ids.
-- Rows: none.
-- Indexes: none.

insert into schema_version (script_name, applied_at) values ('0014_cluster_audit_by_time', unixepoch() * 1000000);
