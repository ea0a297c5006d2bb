// Credentials of the service manager as paths: which names there are, and what is said where none were given.

import Testing

@testable import RelayConfiguration

@Suite struct CredentialTests {
    @Test(arguments: ["node.key", "k", "node-1_key", "..."]) func aName(_ name: String) {
        #expect(Credential.name("credential:" + name) == name)
    }

    @Test(arguments: ["", ".", "..", "../node.key", "a/b", "a b", "khóa", "\u{0}"]) func noName(_ name: String) {
        #expect(Credential.name("credential:" + name) == nil)
        if !name.unicodeScalars.contains("\u{0}") {
            #expect(
                places(Texts.edocd + "\ntls:\n  key: \"credential:\(name)\"\n") == ["9:8 bad-value tls.key"], "\(name)")
        }
    }

    @Test func withoutAManager() {
        let found = errors(Texts.edocd + "\ntls:\n  key: credential:node.key\n")
        #expect(found.map(\.keyPath) == ["tls.key"])
        #expect(found.first?.expected.contains("LoadCredential=node.key:FILE") == true)
        #expect(found.first?.found == "no credentials of a service manager")
    }

    @Test func aPathIsNoCredential() {
        #expect(Credential.name("tls/node.key") == nil && !Credential.isCredential("tls/credential:node.key"))
    }
}
