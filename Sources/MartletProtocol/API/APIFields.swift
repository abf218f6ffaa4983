// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Reads the fields of a request's body, and says which one is wrong.
struct APIFields {
    private let document: JSONValue

    init(_ body: Span<UInt8>) throws(APIError) {
        guard let document = JSONScanner.document(body) else { throw .badRequest("the body is not JSON") }
        guard document.kind == .object else { throw .badRequest("the body is not an object") }
        self.document = document
    }

    var members: JSONMembers { self.document.members }

    static func text(_ member: JSONMember, _ body: Span<UInt8>) throws(APIError) -> String? {
        if member.value.isNull { return nil }
        guard let text = member.value.string(in: body) else {
            throw .badRequest("\(member.name(in: body)) is not a string")
        }
        return text
    }

    static func texts(_ member: JSONMember, _ body: Span<UInt8>, countMax: Int) throws(APIError) -> [String] {
        if member.value.isNull { return [] }
        let name = member.name(in: body)
        guard member.value.kind == .array else { throw .badRequest("\(name) is not an array") }
        var texts: [String] = []
        var elements = member.value.elements
        while let element = elements.next(in: body) {
            guard let text = element.string(in: body) else { throw .badRequest("\(name) holds what is not a string") }
            guard texts.count < countMax else { throw .badRequest("\(name) has more than \(countMax) elements") }
            texts.append(text)
        }
        return texts
    }

    /// What is published: `b64data`, the payload's bytes in base64, wins over `data`, which is any JSON.
    static func payload(data: [UInt8]?, base64: String?) throws(APIError) -> [UInt8] {
        if let base64, !base64.isEmpty {
            guard let bytes = Base64.decode(base64) else { throw .badRequest("b64data is not base64") }
            guard let payload = Payload.normalize(bytes) else { throw .badRequest("b64data is neither JSON nor UTF-8") }
            return payload
        }
        guard let data else { throw .badRequest("data is missing") }
        return data
    }

    static func required(_ text: String?, _ name: String) throws(APIError) -> String {
        guard let text, !text.isEmpty else { throw .badRequest("\(name) is missing") }
        return text
    }
}
