// GaugeTests: the marks of the gauge, also when many threads add and release.

import NIOCore
import RelayEngine
import Synchronization
import Testing

@testable import RelayCore
@testable import RelayLink

struct GaugeTests {
    @Test func goesOnAtLowWaterOnly() {
        let gauge = Gauge(highWater: 100, lowWater: 50)
        let calls = Atomic(0)
        gauge.onLowWater { calls.add(1, ordering: .relaxed) }
        gauge.add(99)
        #expect(!gauge.isHigh)
        gauge.add(1)
        #expect(gauge.isHigh)
        gauge.release(49)
        #expect(gauge.isHigh)
        #expect(calls.load(ordering: .relaxed) == 0)
        gauge.release(1)
        #expect(!gauge.isHigh)
        gauge.release(50)
        #expect(calls.load(ordering: .relaxed) == 1)
        #expect(gauge.bytes == 0)
    }

    @Test func neverSticks() async {
        let gauge = Gauge(highWater: 10, lowWater: 5)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<20_000 {
                        gauge.add(6)
                        gauge.release(6)
                    }
                }
            }
        }
        #expect(gauge.bytes == 0)
        #expect(!gauge.isHigh)
    }

    @Test func emptyInputsWeighSomething() {
        let inputs: [EngineInput] = [.offerBytes(Ticket(1), ByteBuffer(bytes: [1, 2, 3])), .offerAbandoned(Ticket(1))]
        #expect(Gauge.weight(of: inputs) == 3 + 2 * Gauge.inputBytes)
    }
}
