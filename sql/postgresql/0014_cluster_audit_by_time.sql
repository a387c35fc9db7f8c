-- Purpose: none on PostgreSQL, whose tables keep rows in the order of their arrival. SQL Server kept the audit in that of its random ids.
-- Rows: none.
-- Indexes: none.

insert into schema_version (script_name) values ('0014_cluster_audit_by_time');
