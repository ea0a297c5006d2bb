// ConfigurationWarningsTests: what is allowed and keeps a node from receiving is told, and what is in order is not.

import RelayConfiguration
import Testing

@Suite struct ConfigurationWarningsTests {
    private func warnings(
        rights: String = "", routes: String = #"[{to: "*", via: [truc]}]"#, peers: String = ""
    ) throws -> [String] {
        try Configuration.parse(
            edocd: """
                node: {name: hcm}
                peers:
                  truc: {address: "127.0.0.1:4556", dial: yes\(rights)}
                \(peers)
                """,
            agencies: """
                nodes: {vpcp: Nút VPCP, truc: Trục, hcm: Nút HCM, hanoi: Nút Hà Nội}
                agencies:
                  G22: {name: Văn phòng Chính phủ, home: vpcp}
                  H26: {name: UBND Hà Nội, home: hanoi}
                  H26.1: {name: Sở, home: hanoi}
                  H29: {name: UBND TP.HCM, home: hcm}
                routes: \(routes)
                """
        ).warnings
    }

    /// The default right is a leaf's; the one way out brings what all others send.
    @Test func theDefaultRightOfTheOneUplink() throws {
        let sentence =
            "peers.truc.may_send_from is the default: documents of other nodes than truc are refused from it, and it is the one way to 2 of them"
        #expect(try warnings() == [sentence])
        #expect(try warnings(rights: #", may_send_from: {nodes: ["*"], agencies: ["*"]}"#).isEmpty)
        // Foreign peers carry no documents of agencies, and two ways are a choice.
        #expect(try warnings(rights: ", edoc: no").isEmpty)
        let two = #"[{to: "*", via: [truc, hanoi]}]"#
        #expect(try warnings(routes: two, peers: #"  hanoi: {address: "127.0.0.1:4557", dial: yes}"#).isEmpty)
        // What the neighbour itself sends it may.
        #expect(
            try warnings(
                routes: "[{to: hanoi, via: [hanoi]}, {to: vpcp, via: [vpcp]}]",
                peers: """
                      hanoi: {address: "127.0.0.1:4557", dial: yes}
                      vpcp: {address: "127.0.0.1:4558", dial: yes}
                    """
            ).isEmpty)
    }

    @Test func aHomeThatNoRouteReaches() throws {
        let rights = #", may_send_from: {nodes: ["*"], agencies: ["*"]}"#
        #expect(
            try warnings(rights: rights, routes: "[{to: vpcp, via: [truc]}]") == [
                "no route reaches hanoi, the home of H26 and others: documents for them are not taken"
            ])
        #expect(
            try warnings(rights: rights, routes: "[{to: G22, via: [truc]}, {to: \"H26.*\", via: [truc]}]").isEmpty)
    }
}
