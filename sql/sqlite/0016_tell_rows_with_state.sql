-- Purpose: a change of a client is one write. Its payload is an envelope, {"rowsToTell":...,"stateToKeep":...}: the state, and the rows of
-- the audit, the catalogue and the feed that tell of the change. Triggers insert the rows and leave the state alone in the payload.
-- A payload that does not begin so is kept as it is: a state that has nothing to tell, and whatever an older build writes.
-- Rows: none is changed here. The members of the rows are named after their columns, and hold what the columns hold.
-- Indexes: all statements find their rows by a primary key, which begins with the client's id.
-- Triggers, since they are part of the statement that fires them: where a table refuses a row nothing is written, and the pool never
-- gets back a connection with a transaction that was begun. A write that finds another version touches no row and fires none.
-- Two at once: SQLite has one writer at a time.

-- An empty view. Its trigger copies what is inserted here into the tables.
create view tell_client_rows as select '' as told where false;

create trigger client_rows_told instead of insert on tell_client_rows
begin
    insert into audit (audit_id, occurred_at, actor, action, target, client_id, remote_address, request_id, before_json, after_json)
    select
        value ->> 'audit_id', value ->> 'occurred_at', value ->> 'actor', value ->> 'action', value ->> 'target', value ->> 'client_id',
        value ->> 'remote_address', value ->> 'request_id', value ->> 'before_json', value ->> 'after_json'
    from json_each(new.told, '$.audit')
    where true
    on conflict (audit_id) do nothing;

    insert into client_catalogue
        (client_id, name, name_key, owner, enabled, is_admin, deleted, document, etag, version, created_at, updated_at)
    select
        row ->> 'client_id', row ->> 'name', row ->> 'name_key', row ->> 'owner', row ->> 'enabled', row ->> 'is_admin', row ->> 'deleted',
        row ->> 'document', row ->> 'etag', row ->> 'version', row ->> 'created_at', row ->> 'updated_at'
    from (select new.told -> 'catalogue' as row)
    where row is not null
    on conflict (client_id) do update set
        name = excluded.name, name_key = excluded.name_key, owner = excluded.owner, enabled = excluded.enabled,
        is_admin = excluded.is_admin, deleted = excluded.deleted, document = excluded.document, etag = excluded.etag,
        version = excluded.version, created_at = excluded.created_at, updated_at = excluded.updated_at
    where client_catalogue.version < excluded.version;

    -- The parts are those of the version that the catalogue has now; below a later version they are left alone.
    -- A client, scope or secret that is made anew under an old name was not used before. A late flush may have stored older uses under
    -- that name: they go. Uses are kept by whole minutes. Those since the change stay, since the change may be told late.
    delete from last_used
    where client_id = (
            select client_id from client_catalogue
            where client_id = new.told ->> '$.catalogue.client_id' and version = new.told ->> '$.catalogue.version')
        and case when exists (
                select 1 from client_part p
                where p.client_id = last_used.client_id and p.kind = last_used.kind and p.value = last_used.value)
            then (kind, value) not in (select value ->> 'kind', value ->> 'value' from json_each(new.told, '$.parts'))
            else used_at < new.told ->> 'uses_count_from' end;

    delete from client_part
    where client_id = (
            select client_id from client_catalogue
            where client_id = new.told ->> '$.catalogue.client_id' and version = new.told ->> '$.catalogue.version')
        and (kind, value) not in (select value ->> 'kind', value ->> 'value' from json_each(new.told, '$.parts'));

    insert into client_part (client_id, kind, value, label, created_at, expires_at)
    select c.client_id, n.value ->> 'kind', n.value ->> 'value', n.value ->> 'label', n.value ->> 'created_at', n.value ->> 'expires_at'
    from client_catalogue c cross join json_each(new.told, '$.parts') n
    where c.client_id = new.told ->> '$.catalogue.client_id' and c.version = new.told ->> '$.catalogue.version'
    on conflict (client_id, kind, value) do update set label = excluded.label, expires_at = excluded.expires_at
    where client_part.label is not excluded.label or client_part.expires_at is not excluded.expires_at;

    insert into revocation (kind, client_id, value, gen, expires_at)
    select value ->> 'kind', value ->> 'client_id', value ->> 'value', value ->> 'gen', value ->> 'expires_at'
    from json_each(new.told, '$.revocations')
    where true
    on conflict (client_id, kind, value, gen) do nothing;
end;

-- A first write passes on to the trigger of updates. With "or abort", as an upsert updates: so SQLite compiles the statements above once for
-- each write of any kind, not twice.
create trigger grain_state_inserted after insert on grain_state
when substr(new.payload, 1, 14) = cast('{"rowsToTell":' as blob)
begin
    update or abort grain_state set payload = new.payload where rowid = new.rowid;
end;

create trigger grain_state_updated after update of payload on grain_state
when substr(new.payload, 1, 14) = cast('{"rowsToTell":' as blob)
begin
    insert into tell_client_rows (told) values (cast(new.payload as text) -> 'rowsToTell');
    update grain_state set payload = cast(cast(new.payload as text) -> 'stateToKeep' as blob) where rowid = new.rowid;
end;

insert into schema_version (script_name, applied_at) values ('0016_tell_rows_with_state', unixepoch() * 1000000);
