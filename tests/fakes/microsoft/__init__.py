"""A server that speaks HTTPS as Microsoft does: Entra ID, Graph's mail and its notifications.

Served by TLS only, because msal refuses `http://` for an authority. Without `certificate` and `key`
it has its own authority; `environment()` then names it in `LEADMAIL_CA_FILE`. msal needs
`instance_discovery=False` for any authority that isn't Microsoft's (see `entra/metadata.py`), and
a session that trusts `ca_file` as its `http_client`.

    with Microsoft(redirect_uris=[...]) as microsoft:
        anna = microsoft.add_account("anna@firm.example")

`Microsoft`: `url`, `ca_file`, `settings`, `environment()`; `add_account`, `add_tenant`, `account`,
`accounts`, `allow_redirect`, `add_client`; `consent_as(address, scope)`, `consent_denied`,
`consent_by_page`, `consent_needs_admin`; `fail_next(what, times, method, address, retry_after,
skip)`, `throttle`, `delay(by, method)`, `go_well`; `set_limits(concurrent, requests, window)`;
`configure`, `advance`, `expire_access_tokens`, `rotate_keys`; `wait_for_notices`; `counters()`,
`reset_counters()`.

`Person`: `address`, `oid`, `tid`, `sub`; `load(path, mails, folder)`, `deliver(raw, folder, at)`,
`move(id, folder)`, `copy(id, folder)`, `delete(id)` for good, `trash(id)`, `mark_read(id)`,
`save_draft`, `send_draft`; `create_folder(name, parent, is_hidden)`, `rename_folder`,
`move_folder`, `remove_folder`, `folder_id(name)`, `folders()`; `messages()`, `raw(id)`;
`replay(folder)`, `expire_links(folder, how)`; `grant(scope)`, `revoke()`, `change_password()`,
`expire_refresh_tokens`, `require(code)`, `withdraw_consent`, `challenge(claims)`, `disable`,
`enable`, `rename`; `subscriptions()`, `notify(...)`, `remove_subscriptions()`,
`demand_reauthorization()`, `miss()`; `counters()`. Folders are named by path (`Archive/2025`), by
well-known name (`inbox`, `sentitems`, `deleteditems`, `drafts`, `junkemail`, `archive`) or id;
message ids that are returned and taken are immutable ones.

`Counters`: `users[address]` with `calls` by method, `bodies` (ids whose body was answered),
`contents` (ids whose `$value` was asked), `selected` (how often each property was answered, by
name), `searches`, `most_at_once`; `of(address)`, `refused`, `most_in_flight`, `notices`.
Method names: `entra.authorize`, `entra.token`, `entra.keys`, `entra.configuration`,
`graph.me`, `graph.users.get`, `graph.mailFolders.list`, `graph.mailFolders.get`,
`graph.mailFolders.childFolders`, `graph.mailFolders.delta`, `graph.messages.list`,
`graph.messages.get`, `graph.messages.value`, `graph.messages.delta`, `graph.messages.search`,
`graph.subscriptions.*`, `graph.batch`.
"""

from tests.fakes.microsoft.microsoft import CLIENT_ID, CLIENT_SECRET, Microsoft
from tests.fakes.microsoft.person import Person

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "Microsoft", "Person"]
