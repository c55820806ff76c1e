"""Commands to an OPC UA server: values written and read back, methods called."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from cityhall_bms.domain.commands import CommandTarget, check_priority
from cityhall_bms.domain.errors import DeviceRefusedError, DriverConfigError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import Plain, ReadBack
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.opcua.methods import Method, method_of
from cityhall_drivers.opcua.service import Service
from cityhall_drivers.opcua.stack import OpcUaSession
from cityhall_drivers.opcua.stack_reading import show_value
from cityhall_drivers.opcua.stack_services import in_service_words
from cityhall_drivers.opcua.stack_writing import builtin_type, call_method, input_types, write_value
from cityhall_drivers.opcua.writing import raw_of, step_of


class Commanding(Service):
    """Writes and calls."""

    _types: Mapping[str, int] = MappingProxyType({})
    """Built-in type of each node that was written, as its server declares it."""

    async def write(self, target: CommandTarget, value: float | None, priority: int) -> ReadBack:
        """Write with the node's own data type, and read back; a server has no priorities, and nothing to relinquish.

        :class:`DeviceRefusedError` when the server refuses, or holds another value after it said yes. A method is
        called with the value as its argument; it holds nothing that could be read back.
        """
        check_priority(priority)
        point = target.point
        if value is None:
            msg = f"{point.name}: OPC UA 沒有優先權，請寫入要維持的值 it has no priorities: write what shall hold"
            raise DeviceRefusedError(msg)
        session, method = self._living(), method_of(point.address)
        with in_service_words(point.name):
            if method is not None:
                return await _called_with(session, target, value, method)
            kind = await self._type_of(session, point.address)
            await write_value(session, point.address, raw_of(value, point.encoding, kind), kind)
            answer = await show_value(session, BoundPoint(target.point_id, point))
        if answer.quality is Quality.GOOD and abs(answer.value - value) > step_of(value, point.encoding, kind):
            msg = f"{point.name}: {value:g} 已被接受，但節點保持 was accepted, but the node holds {answer.value:g}"
            raise DeviceRefusedError(msg)
        return ReadBack(answer.value, answer.quality)

    async def call(self, target: CommandTarget, arguments: Sequence[Plain]) -> Sequence[Plain]:
        """Call ``method:OBJECT|METHOD``, both NodeIds; gives what the method gives.

        :class:`DeviceRefusedError` when arguments are not those that the server declares, or the method fails.
        """
        address = target.point.address
        method = method_of(address)
        if method is None:
            msg = f"{target.point.name}: '{address}' 不是方法 is no method: write method:OBJECT|METHOD"
            raise DriverConfigError(msg)
        with in_service_words(target.point.name):
            return await call_method(self._living(), *method, arguments)

    async def _type_of(self, session: OpcUaSession, address: str) -> int:
        if address not in self._types:
            self._types = {**self._types, address: await builtin_type(session, address)}
        return self._types[address]


async def _called_with(session: OpcUaSession, target: CommandTarget, value: float, method: Method) -> ReadBack:
    """Call a method with the value as its argument; one without arguments is called by 1, and by nothing else."""
    kinds = await input_types(session, method.method)
    arguments: list[Plain] = []
    if len(kinds) == 1:
        arguments.append(raw_of(value, target.point.encoding, kinds[0]))
    elif kinds:
        msg = f"{target.point.name}: 方法需要 {len(kinds)} 個引數 the method takes {len(kinds)} arguments"
        raise DeviceRefusedError(msg)
    elif value != 1.0:
        msg = f"{target.point.name}: 寫入 1 才會呼叫此方法 this method is called by writing 1, not {value:g}"
        raise DeviceRefusedError(msg)
    await call_method(session, *method, arguments)
    return ReadBack(value, Quality.GOOD)
