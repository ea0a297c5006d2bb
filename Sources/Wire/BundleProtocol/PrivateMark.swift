// PrivateMark: how our private blocks and records begin. Block types 192 to 255 (RFC 9171, 4.3.2) and record types
// from 65536 (RFC 9713, 2) are anybody's, so ours begin with the text `edoc` and a version; what does not is another
// project's and stays unknown. Values; reading fails with a BundleError.

import NIOCore

/// The text and version with which our blocks and records begin.
enum PrivateMark {
    static let text = "edoc"
    static let version: UInt64 = 1

    /// Reads the array head and the mark: the end of the array if this is ours, nil if it is somebody else's.
    static func read(
        _ reader: inout CBORReader, items: UInt64
    ) throws(BundleError) -> ArrayEnd? {
        let start = reader.position
        do throws(BundleError) {
            _ = try reader.readArrayHead()
            guard try reader.readText(bytesMax: text.utf8.count) == text else { return nil }
        } catch {
            return nil
        }
        let version = try reader.readUnsigned()
        guard version == Self.version else {
            throw reader.failure(.unsupportedVersion, "version \(version) of this e-Doc block or record is not known")
        }
        // Only now is the number of items known to be ours to judge.
        let after = reader.position
        reader.seek(to: start)
        let end = try reader.openArray(items)
        reader.seek(to: after)
        return end
    }

    /// Whether what begins here is ours; reads as far as it has to.
    static func isOurs(_ reader: inout CBORReader) -> Bool {
        do throws(BundleError) {
            _ = try reader.readArrayHead()
            return try reader.readText(bytesMax: text.utf8.count) == text
        } catch {
            return false
        }
    }

    static func write(into buffer: inout some CBOROutput, items: Int) {
        buffer.writeCBOR(arrayOf: items)
        buffer.writeCBOR(text: text)
        buffer.writeCBOR(unsigned: version)
    }
}
