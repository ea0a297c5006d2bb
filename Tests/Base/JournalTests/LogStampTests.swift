// LogStampTests: the time at the beginning of a line of a log to which nobody else adds it.

import Glibc
import Journal
import Testing

private let zone: Void = {
    setenv("TZ", "Asia/Ho_Chi_Minh", 1)
    tzset()
}()

@Suite struct LogStampTests {
    init() { _ = zone }

    @Test(
        arguments: [
            (1_773_039_900, 0, "2026-03-09T14:05:00.000+07:00"),
            (1_773_039_900, 7_999_999, "2026-03-09T14:05:00.007+07:00"),
            (0, 999_999_999, "1970-01-01T08:00:00.999+08:00"), (1_767_200_399, 0, "2025-12-31T23:59:59.000+07:00"),
        ] as [(Int, Int, String)])
    func isoWithZone(_ seconds: Int, _ nanoseconds: Int, _ text: String) {
        #expect(LogText.stamp(timespec(tv_sec: seconds, tv_nsec: nanoseconds)) == text)
    }
}
