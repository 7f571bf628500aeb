"""Asks the first model that answers. Each try is paid for, kept and counted; none is made over the budget."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog
from openai import APIConnectionError, APIError, APIStatusError, AsyncOpenAI, omit
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion
from openai.types.shared_params import ResponseFormatJSONSchema
from openai.types.shared_params.response_format_json_schema import JSONSchema
from pydantic import ValidationError

from munshi.contracts.llm import ChatMessage, Prompt, Shape, ShapedAnswer, Spending, Spent, TextAnswer
from munshi.errors import Permanent, Retryable
from munshi.llm.keys import key_of
from munshi.llm.masking import Mask
from munshi.llm.metrics import Metrics
from munshi.llm.settings import ModelSettings

_log = structlog.get_logger()

_CHARACTERS_A_TOKEN = 2
"""Of Devanagari and Sinhala, where tokens are short: an estimate errs towards too dear."""
_MILLION = Decimal(1_000_000)
_COOL_SECONDS = 20.0
"""A model that was away is left alone for so long, so that not every person waits for its deadline."""
_AGAIN = "That was not valid: {error}. Answer again with the JSON object alone."


@dataclass(slots=True)
class _Bill:
    """Of one prompt, over all tries."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    dollars: Decimal = Decimal(0)
    began: float = field(default_factory=time.monotonic)

    def add(self, model: ModelSettings, usage: CompletionUsage | None) -> tuple[int, int, Decimal]:
        """Tokens and price of one try."""
        asked, said = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        dollars = price(model, asked, said)
        self.prompt_tokens += asked
        self.completion_tokens += said
        self.dollars += dollars
        return asked, said, dollars

    def spent(self, model: ModelSettings) -> Spent:
        """All of it, on the model that answered."""
        seconds = time.monotonic() - self.began
        return Spent(model.name, self.prompt_tokens, self.completion_tokens, self.dollars, seconds)


def price(model: ModelSettings, prompt_tokens: int, completion_tokens: int) -> Decimal:
    """US dollars, to the millionth."""
    exact = (model.prompt_price * prompt_tokens + model.completion_price * completion_tokens) / _MILLION
    return exact.quantize(Decimal("0.000001"))


class ModelChain:
    """The port `LanguageModels` over OpenAI's protocol."""

    def __init__(
        self,
        models: Sequence[ModelSettings],
        spending: Spending,
        metrics: Metrics,
        salt_key: bytes,
        keys: Path | None = None,
    ) -> None:
        """`salt_key` keys the tenants' salts, at least 16 secret bytes. `keys`: as `llm_keys_dir` says."""
        self._models = {model.name: model for model in models}
        self._clients = {
            model.name: AsyncOpenAI(
                base_url=model.url,
                api_key=key_of(model, keys),
                max_retries=0,
                timeout=model.seconds,
            )
            for model in models
        }
        self._spending = spending
        self._metrics = metrics
        self._salt_key = salt_key
        self._away: dict[str, float] = {}

    async def close(self) -> None:
        """Ends all connections."""
        for client in self._clients.values():
            await client.close()

    async def answer(self, prompt: Prompt) -> TextAnswer:
        """An answer in words. Raises: as the port says."""
        mask = _mask_of(prompt)
        messages = _hidden(prompt, mask)
        bill = _Bill()
        async with _deadline(prompt):
            for model in self._chain(prompt):
                completion = await self._try(model, prompt, messages, bill)
                if completion is not None and (text := _text_of(completion)):
                    return TextAnswer(mask.show(text), bill.spent(model))
        raise Retryable("no language model answered")

    async def shaped(self, prompt: Prompt, shape: type[Shape]) -> ShapedAnswer[Shape]:
        """An answer that fits `shape`. A model that misses it is told why, once; then the next one is asked.

        Raises: as the port says.
        """
        mask = _mask_of(prompt)
        bill = _Bill()
        missed = False
        async with _deadline(prompt):
            for model in self._chain(prompt):
                messages = _hidden(prompt, mask)
                for _ in range(2):
                    completion = await self._try(model, prompt, messages, bill, _format_of(shape))
                    if completion is None:
                        break
                    text = _text_of(completion)
                    try:
                        return ShapedAnswer(_read(shape, text, mask), bill.spent(model))
                    except ValidationError as error:
                        missed = True
                        self._metrics.calls.labels(model.name, prompt.purpose, "invalid").inc()
                        again = _AGAIN.format(error=_short(error))
                        messages = [
                            *messages,
                            {"role": "assistant", "content": text},
                            {"role": "user", "content": again},
                        ]
        if missed:
            raise Permanent("no language model gave what was asked for", "llm_invalid")
        raise Retryable("no language model answered")

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        """The answer as it comes; what is hidden is shown again piece by piece. The deadline is one for its
        end, whatever the listener does between two pieces.

        Raises: as the port says.
        """
        mask = _mask_of(prompt)
        messages = _hidden(prompt, mask)
        bill, until = _Bill(), asyncio.get_running_loop().time() + prompt.seconds
        for model in self._chain(prompt):
            pieces = self._pieces(model, prompt, messages, bill)
            said = False
            try:
                async for piece in _shown(_in_time(pieces, until), mask):
                    said = True
                    yield piece
                if said:
                    return
            except APIError as error:
                self._judge(model, prompt, error)
                if said:
                    raise Retryable("the language model broke off") from error
            except TimeoutError as error:
                raise Retryable(f"the language model took over {prompt.seconds:g} s") from error
            finally:
                await pieces.aclose()
        raise Retryable("no language model answered")

    async def _pieces(
        self, model: ModelSettings, prompt: Prompt, messages: Sequence[dict[str, str]], bill: _Bill
    ) -> AsyncGenerator[str, None]:
        """One model's answer as it comes, paid for however it ends."""
        call = await self._begin(model, prompt, messages)
        usage: CompletionUsage | None = None
        outcome = "failed"
        began = time.monotonic()
        try:
            stream = await self._clients[model.name].chat.completions.create(
                **self._request(model, prompt, messages), stream=True, stream_options={"include_usage": True}
            )
            async for chunk in stream:
                usage = chunk.usage or usage
                if chunk.choices and chunk.choices[0].delta.content:
                    yield chunk.choices[0].delta.content
            outcome = "done"
        finally:
            await self._finish(model, prompt, call, bill, usage, outcome, began)

    def _chain(self, prompt: Prompt) -> list[ModelSettings]:
        names = prompt.terms.models or tuple(self._models)
        known = [self._models[name] for name in names if name in self._models]
        if not known:
            raise Permanent(
                f"none of the models {', '.join(names) or '(none)'} is there", "llm_unknown_model"
            )
        now = time.monotonic()
        # Those that were away come last: where all are, the first is tried as ever.
        return sorted(known, key=lambda model: self._away.get(model.name, 0.0) > now)

    async def _try(
        self,
        model: ModelSettings,
        prompt: Prompt,
        messages: Sequence[dict[str, str]],
        bill: _Bill,
        response_format: ResponseFormatJSONSchema | None = None,
    ) -> ChatCompletion | None:
        """One try; `None` where the next model is to be asked."""
        call = await self._begin(model, prompt, messages)
        began = time.monotonic()
        completion: ChatCompletion | None = None
        outcome = "failed"
        try:
            completion = await self._clients[model.name].chat.completions.create(
                **self._request(model, prompt, messages), response_format=response_format or omit
            )
            outcome = "done"
        except APIError as error:
            self._judge(model, prompt, error)
        finally:
            usage = completion.usage if completion else None
            await self._finish(model, prompt, call, bill, usage, outcome, began)
        return completion

    async def _begin(self, model: ModelSettings, prompt: Prompt, messages: Sequence[dict[str, str]]) -> int:
        letters = sum(len(message["content"]) for message in messages)
        estimate = price(model, letters // _CHARACTERS_A_TOKEN, prompt.most_tokens)
        budget = prompt.terms.monthly_budget
        call = await self._spending.begin(prompt.tenant, prompt.purpose, model.name, estimate, budget)
        if call is None:
            self._metrics.calls.labels(model.name, prompt.purpose, "over_budget").inc()
            self._metrics.budgets.refused(prompt.tenant)
            raise Permanent(
                f"this month's budget of {budget} dollars for language models is used up", "llm_budget"
            )
        return call

    async def _finish(
        self,
        model: ModelSettings,
        prompt: Prompt,
        call: int,
        bill: _Bill,
        usage: CompletionUsage | None,
        outcome: str,
        began: float,
    ) -> None:
        asked, said, dollars = bill.add(model, usage)
        self._metrics.calls.labels(model.name, prompt.purpose, outcome).inc()
        self._metrics.seconds.labels(model.name).observe(time.monotonic() - began)
        self._metrics.tokens.labels(model.name, "prompt").inc(asked)
        self._metrics.tokens.labels(model.name, "completion").inc(said)
        self._metrics.dollars.labels(model.name).inc(float(dollars))
        # Kept also where the caller has gone away meanwhile: it was paid for.
        await asyncio.shield(self._settle(prompt, call, (asked, said), dollars, outcome))

    async def _settle(
        self, prompt: Prompt, call: int, tokens: tuple[int, int], dollars: Decimal, outcome: str
    ) -> None:
        await self._spending.end(prompt.tenant, call, *tokens, dollars, outcome)
        budget = prompt.terms.monthly_budget
        if budget is None:
            return
        try:
            used = await self._spending.used(prompt.tenant)
        except (Retryable, Permanent) as error:  # a figure is missed, no answer
            _log.warning("llm_budget_unknown", reason=str(error))
        else:
            self._metrics.budgets.tell(prompt.tenant, used, budget)

    def _judge(self, model: ModelSettings, prompt: Prompt, error: APIError) -> None:
        """Raises what ends the asking; otherwise the next model is asked."""
        status = error.status_code if isinstance(error, APIStatusError) else None
        _log.warning(
            "llm_failed", model=model.name, purpose=prompt.purpose, status=status, reason=type(error).__name__
        )
        if status in {400, 413, 422}:
            raise Permanent(f"{model.name} refuses the prompt ({status})", "llm_refused") from error
        if (
            isinstance(error, APIConnectionError)
            or status == 429
            or (status or 500) >= 500
            or status in {401, 403}
        ):
            self._away[model.name] = time.monotonic() + _COOL_SECONDS

    def _request(
        self, model: ModelSettings, prompt: Prompt, messages: Sequence[dict[str, str]]
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": model.model,
            "messages": list(messages),
            "max_tokens": prompt.most_tokens,
            "temperature": prompt.temperature,
        }
        if model.cache_salt:
            salt = hmac.new(self._salt_key, prompt.tenant.encode(), hashlib.sha256).hexdigest()
            request["extra_body"] = {"cache_salt": salt}
        return request


def _mask_of(prompt: Prompt) -> Mask:
    return Mask(prompt.terms.region, prompt.names)


def _hidden(prompt: Prompt, mask: Mask) -> list[dict[str, str]]:
    def content(message: ChatMessage) -> str:
        return message.content if prompt.terms.personal_data else mask.hide(message.content)

    return [{"role": message.role, "content": content(message)} for message in prompt.messages]


@contextlib.asynccontextmanager
async def _deadline(prompt: Prompt) -> AsyncIterator[None]:
    """All tries of a prompt within its seconds. Raises: `Retryable` at the end of them."""
    try:
        async with asyncio.timeout(prompt.seconds):
            yield
    except TimeoutError as error:
        raise Retryable(f"no language model answered within {prompt.seconds:g} s") from error


def _format_of(shape: type[Shape]) -> ResponseFormatJSONSchema:
    schema: JSONSchema = {"name": shape.__name__, "schema": shape.model_json_schema(), "strict": True}
    return {"type": "json_schema", "json_schema": schema}


def _text_of(completion: ChatCompletion) -> str:
    return (completion.choices[0].message.content or "").strip() if completion.choices else ""


def _read(shape: type[Shape], text: str, mask: Mask) -> Shape:
    """Placeholders are shown again inside the strings, where no quote of theirs can break the JSON."""
    try:
        raw = json.loads(text, strict=False)  # a newline as it is inside a string is no reason to ask again
    except ValueError:
        return shape.model_validate_json(text)
    return shape.model_validate(_shown_in(raw, mask))


def _shown_in(value: Any, mask: Mask) -> Any:
    match value:
        case str():
            return mask.show(value)
        case list():
            return [_shown_in(item, mask) for item in value]
        case dict():
            return {key: _shown_in(item, mask) for key, item in value.items()}
    return value


def _short(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])


async def _in_time(pieces: AsyncIterator[str], until: float) -> AsyncIterator[str]:
    """The pieces. Raises: `TimeoutError`: the next one did not come until then (the loop's time)."""
    while True:
        try:
            async with asyncio.timeout_at(until):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        yield piece


async def _shown(pieces: AsyncIterator[str], mask: Mask) -> AsyncIterator[str]:
    """Pieces of text, held back while a placeholder may be half said."""
    held = ""
    async for piece in pieces:
        ready, held = _whole(held + piece)
        if ready:
            yield mask.show(ready)
    if held:
        yield mask.show(held)


_LONGEST_PLACEHOLDER = 16


def _whole(text: str) -> tuple[str, str]:
    """What can be said already, and what may be the beginning of a placeholder."""
    at = text.rfind("<", max(0, len(text) - _LONGEST_PLACEHOLDER))
    return (text, "") if at < 0 or ">" in text[at:] else (text[:at], text[at:])
