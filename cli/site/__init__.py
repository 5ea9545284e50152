"""`corridor docs`: the pages of the repository as a web site, made by MkDocs with the theme Material.

The pages are those that people read in the repository; the site adds search, navigation, and the API and the contract
written out of their own descriptions. `staging` gathers the pages, `navigation` orders them, `descriptions` writes
those two, `building` builds and serves. The site asks no other server for anything, and is published nowhere by us.
"""
