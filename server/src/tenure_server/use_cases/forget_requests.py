"""What an anonymised customer asked is forgotten with the customer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tenure_server.use_cases.ports import Records


def forget_requests(records: Records, customer_id: str, now: datetime) -> int:
    """Their requests stay as counts, closed and without words, names and addresses; replies that were not sent yet
    never are. How many there were."""
    requests = records.support_requests.of_customer(customer_id)
    for found in requests:
        request = records.support_requests.locked(found.request_id)
        assert request is not None
        forgotten = request.anonymised(now)
        records.support_requests.change(replace(forgotten, revision=request.revision + 1, changed_at=now))
        records.outgoing_mails.forget(request.request_id)
        for message in records.support_messages.of_request(request.request_id):
            records.support_messages.change(message.anonymised())
    return len(requests)
