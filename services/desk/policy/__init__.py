"""The routing policy as people work on it: drafts, previews, publication, former versions. Which
policy counts is the router's to say."""
