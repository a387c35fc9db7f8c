-- Purpose: client ids of up to 200 characters, as other servers have them; they were of up to 128.
-- Rows: none is read or written: what was stored under the narrower checks satisfies the wider ones.
-- Indexes: none is touched.
-- Only the texts of the checks change, as SQLite's documentation describes it for constraints (ALTER TABLE, "making other kinds of
-- table schema changes"): copying each table would take the largest, the audit, minutes. The table that is made and dropped
-- moves the schema's number, by which other connections know that they have to read it again.

pragma writable_schema = on;

update sqlite_schema set sql = replace(sql, 'length(client_id) <= 128', 'length(client_id) <= 200') where type = 'table';
-- The feed tells of a client by its id.
update sqlite_schema set sql = replace(sql, 'length(value) <= 128', 'length(value) <= 200') where type = 'table' and name = 'revocation';
-- A client's grain has the id behind a prefix.
update sqlite_schema set sql = replace(sql, 'length(grain_key) <= 200', 'length(grain_key) <= 210') where type = 'table' and name = 'grain_state';

pragma writable_schema = reset;

create table schema_was_widened (id integer not null);
drop table schema_was_widened;

insert into schema_version (script_name, applied_at) values ('0015_widen_client_ids', unixepoch() * 1000000);
