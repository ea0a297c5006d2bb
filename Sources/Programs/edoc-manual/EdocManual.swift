// edoc-manual: makes the manual pages of the package from what the programs say of themselves, so that a page cannot be older than
// its program: `edocctl --experimental-dump-help | edoc-manual edocctl`, the same for edocd, and
// `edocd --print-defaults | edoc-manual edocd.yaml`. Standard input to standard output; part of building the package, not installed.
// Input that it does not understand ends it with exit code 65 and nothing written.

import Foundation
import Glibc
import Language

@main
enum EdocManual {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        guard let name = arguments.first, let version = arguments.dropFirst().first, arguments.count == 2 else {
            fail("usage: edoc-manual edocd|edocctl|edocd.yaml VERSION < what the program says", 64)
        }
        let input = FileHandle.standardInput.readDataToEndOfFile()
        do {
            let page: Page
            switch name {
            case "edocd": page = try CommandPage(input, .edocd, version: version).page
            case "edocctl": page = try CommandPage(input, .edocctl, version: version).page
            case "edocd.yaml": page = try ConfigurationPage(input, version: version).page
            default: fail("edoc-manual: there is no page \(name)", 64)
            }
            FileHandle.standardOutput.write(Data(page.text.utf8))
        } catch {
            fail("edoc-manual: \(name): \(error)", 65)
        }
    }

    private static func fail(_ text: String, _ code: Int32) -> Never {
        FileHandle.standardError.write(Data((text + "\n").utf8))
        exit(code)
    }
}

/// What stands on standard input is not what was expected.
struct InputFailure: Error, CustomStringConvertible {
    var description: String
}
