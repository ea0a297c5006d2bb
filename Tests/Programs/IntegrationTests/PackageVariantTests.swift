// PackageVariantTests: packages of real builders that break the rules without leaving a doubt go through real nodes: the submitter
// is warned, and the bytes that arrive are the bytes that were sent.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite struct PackageVariantTests {
    @Test func variantsArriveAsTheyAre() throws {
        let network = try Network()
        let agencies = network.folder.text("agencies.yaml")
        let more = """
            agencies:
              G98.01: {name: Sở A, home: vpcp}
              G99.01: {name: Cục B, home: hcm}
            """
        try network.folder.write(agencies.replacingOccurrences(of: "agencies:", with: more), to: "agencies.yaml")
        try network.start(["truc", "vpcp", "hcm"])
        let folder = Places.root + "/Tests/Documents/EdXMLVariants"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(files.count == 13)
        for file in files {
            let sent: SubmitAnswer = try network.ask("vpcp", "submit", folder + "/" + file)
            #expect(sent.recipients == ["G99.01"])
            #expect(sent.warnings?.count == 1, "\(file): \(sent.warnings ?? [])")
            #expect(sent.warnings?.first?.hasPrefix("line ") == true)
            let isThere = try eventually {
                try network.inbox("hcm", "G99.01").contains { $0.envelope == sent.envelope }
            }
            #expect(isThere, "\(file)")
            let copy = network.folder["copy-" + file]
            let fetched = try network.control("hcm", ["inbox", "fetch", "G99.01", sent.envelope, "-o", copy])
            #expect(fetched.end == .exited(0), "\(fetched.errors)")
            #expect(FileManager.default.contentsEqual(atPath: folder + "/" + file, andPath: copy), "\(file)")
        }
        // An operator reads the warning, too.
        let shown = try network.control("vpcp", ["submit", folder + "/18-prio-01.edxml"])
        #expect(shown.output.contains("Priority"), "\(shown.output)")
    }
}
