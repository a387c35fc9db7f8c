-- Purpose: a change of a client is one write. Its payload is an envelope, {"rowsToTell":...,"stateToKeep":...}: the state, and the rows of
-- the audit, the catalogue and the feed that tell of the change. The write inserts the rows, and keeps the state alone as the payload.
-- A payload that does not begin so is kept as it is: a state that has nothing to tell, and whatever an older build writes.
-- Rows: none is changed here but the text of one query. The members of the rows are named after their columns, and hold what the columns
-- hold. The state is cut out of the payload by its place, which no text within the rows can be taken for, since their quotes are escaped:
-- the functions for JSON refuse the escape of a NUL, which a state may hold.
-- Indexes: all statements find their rows by a primary key, which begins with the client's id.
-- Two at once: the row's version lets one of two writes through, and the other tells nothing. Both wait at the row and not before. A
-- function of its own, since each of its statements sees what was committed before it: an older build tells the tables of its changes
-- in transactions of their own, which may end while this one waits for the catalogue's row.

create function tell_client_rows(told json) returns void
language plpgsql strict as $$
begin
    insert into audit (audit_id, occurred_at, actor, action, target, client_id, remote_address, request_id, before_json, after_json)
    select audit_id, occurred_at, actor, action, target, client_id, remote_address, request_id, before_json, after_json
    from json_populate_recordset(null::audit, told -> 'audit')
    on conflict (audit_id) do nothing;

    insert into client_catalogue
        (client_id, name, name_key, owner, enabled, is_admin, deleted, document, etag, version, created_at, updated_at)
    select client_id, name, name_key, owner, enabled, is_admin, deleted, document, etag, version, created_at, updated_at
    from json_populate_record(null::client_catalogue, told -> 'catalogue')
    where told -> 'catalogue' is not null
    on conflict (client_id) do update set
        name = excluded.name, name_key = excluded.name_key, owner = excluded.owner, enabled = excluded.enabled,
        is_admin = excluded.is_admin, deleted = excluded.deleted, document = excluded.document, etag = excluded.etag,
        version = excluded.version, created_at = excluded.created_at, updated_at = excluded.updated_at
    where client_catalogue.version < excluded.version;

    if found then
        -- A client, scope or secret that is made anew under an old name was not used before. A late flush may have stored older uses under
        -- that name: they go. Uses are kept by whole minutes. Those since the change stay, since the change may be told late.
        delete from last_used u
        where u.client_id = told #>> '{catalogue,client_id}'
            and case when exists (
                    select 1 from client_part p where p.client_id = u.client_id and p.kind = u.kind and p.value = u.value)
                then not exists (
                    select 1 from json_populate_recordset(null::client_part, told -> 'parts') n where n.kind = u.kind and n.value = u.value)
                else u.used_at < (told ->> 'uses_count_from')::timestamptz end;

        delete from client_part p
        where p.client_id = told #>> '{catalogue,client_id}'
            and not exists (
                select 1 from json_populate_recordset(null::client_part, told -> 'parts') n
                where n.kind = p.kind and n.value = p.value);

        insert into client_part (client_id, kind, value, label, created_at, expires_at)
        select told #>> '{catalogue,client_id}', kind, value, label, created_at, expires_at
        from json_populate_recordset(null::client_part, told -> 'parts')
        on conflict (client_id, kind, value) do update set label = excluded.label, expires_at = excluded.expires_at
        where client_part.label is distinct from excluded.label or client_part.expires_at is distinct from excluded.expires_at;
    end if;

    if json_array_length(told -> 'revocations') > 0 then
        -- The turn of the feed's writers, which the script that makes the table explains: it is taken before the positions, and last of
        -- all, since other writers wait from here until commit.
        perform pg_advisory_xact_lock(7141902035521148);
        insert into revocation (kind, client_id, value, gen, expires_at)
        select kind, client_id, value, gen, expires_at
        from json_populate_recordset(null::revocation, told -> 'revocations')
        on conflict (client_id, kind, value, gen) do nothing;
    end if;
end
$$;

delete from orleansquery where querykey = 'WriteToStorageKey';

insert into orleansquery (querykey, querytext) values
('WriteToStorageKey', '
with given as materialized (
    select case when substring(@PayloadBinary from 1 for 14) = ''{"rowsToTell":''::bytea
        then position('',"stateToKeep":''::bytea in @PayloadBinary) end as rows_end),
kept as materialized (
    select
        coalesce(substring(@PayloadBinary from rows_end + 15 for length(@PayloadBinary) - rows_end - 15), @PayloadBinary) as payload,
        convert_from(substring(@PayloadBinary from 15 for rows_end - 15), ''UTF8'')::json as told
    from given),
updated as (
    update grain_state
    set payload = kept.payload, version = version + 1, modified_at = now()
    from kept
    where grain_id_hash = @GrainIdHash and grain_type_hash = @GrainTypeHash
        and grain_id_n0 = @GrainIdN0 and grain_id_n1 = @GrainIdN1 and grain_type = @GrainTypeString
        and grain_key = coalesce(@GrainIdExtensionString, '''') and service_id = @ServiceId
        and version = @GrainStateVersion
    returning version),
inserted as (
    insert into grain_state
        (grain_id_hash, grain_type_hash, grain_id_n0, grain_id_n1, grain_type, grain_key, service_id, payload, version, modified_at)
    select
        @GrainIdHash, @GrainTypeHash, @GrainIdN0, @GrainIdN1, @GrainTypeString, coalesce(@GrainIdExtensionString, ''''), @ServiceId,
        kept.payload, 1, now()
    from kept
    where @GrainStateVersion is null
    on conflict (grain_id_hash, grain_type_hash, grain_id_n0, grain_id_n1, grain_type, grain_key, service_id) do nothing
    returning version),
written as (select version from updated union all select version from inserted)
select version as NewGrainStateVersion, tell_client_rows(told) from written cross join kept');

insert into schema_version (script_name) values ('0016_tell_rows_with_state');
