"""Send one document to a product service and say what came of it. Never raises for the outside."""

import logging
import time

from core import clock
from core.outbound import Answer, OutboundClient, OutboundError
from provisioning import outcomes, signatures
from provisioning.outcomes import Retry
from provisioning.services.claiming import Claim
from provisioning.services.recording import Sent

logger = logging.getLogger(__name__)


def send(client: OutboundClient, claim: Claim) -> Sent:
    """PUT a claimed document, signed, and classify the answer.

    The message id is the target and generation: a receiver that keeps ids sees a repeat as one.
    """
    started = time.monotonic()
    try:
        answer = _put(client, claim)
    except OutboundError as error:
        outcome = outcomes.of_failure(
            code=error.code, detail=error.detail, status=error.answer_status
        )
        elapsed_ms = round((time.monotonic() - started) * 1000)
        return Sent(claim, outcome, error.answer_status, elapsed_ms, error.detail)
    except Exception as error:  # a defect of ours: it must not stop the other targets
        logger.exception("a document could not be sent", extra={"target": claim.target_id})
        elapsed_ms = round((time.monotonic() - started) * 1000)
        return Sent(claim, Retry("internal_error"), None, elapsed_ms, type(error).__name__)
    outcome = outcomes.of_answer(
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        generation=claim.generation,
        hash=claim.hash,
        now=clock.system_now(),
    )
    return Sent(claim, outcome, answer.status, answer.elapsed_ms, outcomes.shown(answer.body))


def _put(client: OutboundClient, claim: Claim) -> Answer:
    signed = signatures.headers(
        message_id=f"{claim.target_id}_{claim.generation}",
        body=claim.body,
        secrets=claim.secrets,
        at=clock.system_now(),
    )
    headers = {**signed, "content-type": "application/json", "accept": "application/json"}
    return client.request("PUT", claim.url, headers=headers, body=claim.body)
