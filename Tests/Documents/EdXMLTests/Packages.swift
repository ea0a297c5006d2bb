// Packages for the tests, made here, and the ways to feed them.

import EdXML

/// The namespace of QCVN 102:2016.
let namespace = "http://www.mic.gov.vn/TBT/QCVN_102_2016"

enum Package {
    static let content = "JVBERi0xLjQKJSVFT0YK"

    /// A document; the parts can be replaced one by one.
    static func document(
        start: String = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        from: String = "<edXML:From><edXML:OrganId>H99.05</edXML:OrganId></edXML:From>",
        to: String =
            "<edXML:To><edXML:OrganId>G98.12</edXML:OrganId><edXML:OrganName>Cục B</edXML:OrganName></edXML:To>",
        documentID: String = "<edXML:DocumentId>H99.05,2026/03/09,41/STN-VP</edXML:DocumentId>",
        date: String = "2026/03/09", dueDate: String = "2026/03/20",
        otherInfo: String = "<edXML:OtherInfo><edXML:Priority>1</edXML:Priority></edXML:OtherInfo>",
        extra: String = "", timestamp: String = "2026/03/09 08:30:00", content: String = Package.content
    ) -> String {
        start + """
            <edXML xmlns="\(namespace)">
              <edXML:edXMLEnvelope xmlns:edXML="\(namespace)">
                <edXML:edXMLHeader>
                  <edXML:MessageHeader>
                    \(from)
                    \(to)
                    \(documentID)
                    <edXML:Code>
                    <edXML:CodeNumber>41</edXML:CodeNumber><edXML:CodeNotation>STN-VP</edXML:CodeNotation>
                    </edXML:Code>
                    <edXML:PromulgationInfo>
                    <edXML:Place>Hà Nội</edXML:Place><edXML:PromulgationDate>\(date)</edXML:PromulgationDate>
                    </edXML:PromulgationInfo>
                    <edXML:Subject>V/v kiểm thử liên thông &amp; trục</edXML:Subject>
                    <edXML:DueDate>\(dueDate)</edXML:DueDate>
                    <edXML:ToPlaces><edXML:Place>Lưu: VT</edXML:Place></edXML:ToPlaces>
                    \(otherInfo)
                    \(extra)
                  </edXML:MessageHeader>
                  <edXML:TraceHeaderList>
                    <edXML:TraceHeader>
                    <edXML:OrganId>null</edXML:OrganId><edXML:Timestamp>\(timestamp)</edXML:Timestamp>
                    </edXML:TraceHeader>
                  </edXML:TraceHeaderList>
                </edXML:edXMLHeader>
                <edXML:edXMLBody>
                  <edXML:edXMLManifest version="1.0">
                    <edXML:Reference>
                    <edXML:ContentId>cid:a1</edXML:ContentId>
                    <edXML:AttachmentName>x.pdf</edXML:AttachmentName></edXML:Reference>
                  </edXML:edXMLManifest>
                </edXML:edXMLBody>
              </edXML:edXMLEnvelope>
              <AttachmentEncoded>
                <Attachment>
                  <ContentId>a1</ContentId>
                  <AttachmentName>41-STN-VP.pdf</AttachmentName>
                  <ContentType>application/pdf</ContentType>
                  <edXML:ContentTransferEncoded xmlns:edXML="\(namespace)">\(content)</edXML:ContentTransferEncoded>
                </Attachment>
              </AttachmentEncoded>
            </edXML>
            """
    }

    static func status(
        responseFor: String = "<edXML:OrganId>H99.05</edXML:OrganId><edXML:Code>41/STN-VP</edXML:Code>"
            + "<edXML:DocumentId>H99.05,2026/03/09,41/STN-VP</edXML:DocumentId>",
        code: String = "03", extra: String = ""
    ) -> String {
        """
        <edXML xmlns="\(namespace)">
          <edXML:edXMLEnvelope xmlns:edXML="\(namespace)"><edXML:edXMLHeader><edXML:MessageHeader>
            <edXML:ResponseFor>\(responseFor)</edXML:ResponseFor>
            <edXML:From>
            <edXML:OrganId>G98.12</edXML:OrganId><edXML:OrganName>Cục Thử nghiệm B</edXML:OrganName></edXML:From>
            <edXML:StatusCode>\(code)</edXML:StatusCode><edXML:Description>Đã vào sổ</edXML:Description>
            <edXML:Timestamp>2026/03/09 09:10:00</edXML:Timestamp>\(extra)
            <edXML:StaffInfo><edXML:Staff>Lê Văn Thư</edXML:Staff></edXML:StaffInfo>
          </edXML:MessageHeader></edXML:edXMLHeader></edXML:edXMLEnvelope>
        </edXML>
        """
    }
}

/// Reads bytes in pieces of `step`.
func read(_ bytes: [UInt8], step: Int = .max) throws(EdXMLError) -> EdXMLSummary {
    let reader = EdXMLReader()
    var index = 0
    while index < bytes.count {
        let end = min(bytes.count, index.addingReportingOverflow(step).overflow ? .max : index + step)
        let piece = Array(bytes[index..<end])
        var failure: EdXMLError?
        piece.withUnsafeBytes { buffer in
            do throws(EdXMLError) { try reader.feed(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
        index = end
    }
    return try reader.finish()
}

func read(_ text: String, step: Int = .max) throws(EdXMLError) -> EdXMLSummary {
    try read(Array(text.utf8), step: step)
}

/// The refusal of a package; nil when it is accepted.
func refusal(_ bytes: [UInt8], step: Int = .max) -> EdXMLError? {
    do throws(EdXMLError) {
        _ = try read(bytes, step: step)
        return nil
    } catch {
        return error
    }
}

func refusal(_ text: String) -> EdXMLError? { refusal(Array(text.utf8)) }
