// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// First in, first out, over one array.
struct Line<Element> {
    private var elements: [Element] = []
    private var head = 0

    var count: Int { self.elements.count - self.head }
    var first: Element? { self.head < self.elements.count ? self.elements[self.head] : nil }

    mutating func append(_ element: Element) { self.elements.append(element) }

    mutating func popFirst() -> Element? {
        guard let first else { return nil }
        self.head += 1
        // Each element is moved at most once for each that was taken.
        if self.head * 2 >= self.elements.count {
            self.elements.removeFirst(self.head)
            self.head = 0
        }
        return first
    }
}
